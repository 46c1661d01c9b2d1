/** Who was away for long: thousands of operations, fetched in pages. */
import { assert, describe, it } from "@effect/vitest"
import { Rpc } from "allium"
import { Effect } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { OpLog } from "#services/crdt/OpLog"
import { COMPARE, FETCH, Sync } from "#services/crdt/Sync"
import { agree, documentOn, notesOn, open, type } from "./notes.ts"

/** Operations; the same with 100,000 takes a minute and a half. */
const COUNT = 2_000

const edits = (channel: Uint8Array, count: number) =>
  Effect.gen(function* () {
    const document = yield* open(channel)
    for (let n = 0; n < count; n += 50) {
      // A transaction each; those that wait for the disk together go in one commit.
      const some = Array.from({ length: 50 }, () => document.edit((it) => it.text("t").insert(0, "x")))
      yield* Effect.all(some, { concurrency: 50 })
    }
  })

describe("catching up", () => {
  it.effect("takes one request for some hundred operations, and not one for each", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(2)
      const channel = yield* documentOn(network, [0, 1])
      yield* network.node(0).run(type(channel, "x"))
      yield* agree(network, [0, 1], channel, 1, "10 seconds")
      yield* network.node(1).stop
      yield* network.node(0).run(edits(channel, COUNT), { patience: "1 hour" })
      yield* network.node(1).start
      const fetching = Effect.gen(function* () {
        const log = yield* Effect.map(OpLog, (logs) => logs.find(keyOf(channel))!)
        const rpc = yield* Rpc
        const [, rows] = yield* rpc.call(network.node(0), COMPARE, [channel, new Uint8Array(0), new Uint8Array(0), []])
        let pages = 0
        for (let from = 2; from <= COUNT; pages++) {
          const page = yield* rpc.call(network.node(0), FETCH, [
            channel,
            rows.map(({ author, high }) => ({ author, low: from, high }))
          ])
          from += page.length
        }
        return [pages, yield* (yield* Sync).compare(log, network.node(0))] as const
      })
      const other = network.node(1)
      yield* other.run(open(channel))
      const [pages] = yield* other.run(fetching, { patience: "1 hour" })
      assert.isAtMost(pages, COUNT / 150)
      yield* agree(network, [0, 1], channel, COUNT + 1, "1 minute")
    })
  )
})
