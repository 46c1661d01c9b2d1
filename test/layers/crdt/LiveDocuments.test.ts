import { assert, describe, it } from "@effect/vitest"
import { Documents, type Observed, type SequenceChange, SessionManager, type SharedText, type Undo } from "allium"
import { Effect, Stream } from "effect"
import { agree, documentOn, notesOn, open, read, type } from "./notes.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

describe("LiveDocuments", () => {
  it.effect("shows an edit to everybody who has the document open, and tells of it in a Stream", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(3)
      const channel = yield* documentOn(network, [0, 1, 2])
      yield* network.advance("5 seconds")
      const two = Effect.flatMap(open(channel), ({ changes }) => changes.pipe(Stream.take(2), Stream.runCollect))
      const heard = yield* network.node(2).fork(two)
      yield* network.advance("1 second")
      yield* network.node(0).run(type(channel, "hello"))
      yield* agree(network, [0, 1, 2], channel, 5, "1 second")
      yield* network.node(1).run(type(channel, " world", 5))
      yield* agree(network, [0, 1, 2], channel, 11, "1 second")
      assert.strictEqual(yield* network.node(2).run(read(channel)), "hello world")
      const changes = yield* heard.join("1 second")
      assert.deepStrictEqual(
        changes.map(({ isLocal, seq }) => [isLocal, seq]),
        [
          [false, 1],
          [false, 1]
        ]
      )
    })
  )

  it.effect("is found by its channel alone: by who comes later, from somewhere else in the network", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(8)
      const channel = yield* documentOn(network, [0])
      yield* network.node(0).run(type(channel, "hello"))
      yield* network.advance("30 seconds")
      const late = yield* network.node(5).run(open(channel))
      assert.isUndefined(late.genesis())
      const early = yield* Effect.flip(network.node(5).run(type(channel, "x")))
      assert.strictEqual(early._tag, "GenesisUnknown")
      yield* agree(network, [0, 5], channel, 5, "30 seconds")
      yield* network.node(5).run(type(channel, "!", 5))
      yield* agree(network, [0, 5], channel, 6, "1 second")
    })
  )

  it.effect("brings together what was written on both sides of a partition, within a second of meeting again", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(2)
      const channel = yield* documentOn(network, [0, 1])
      yield* network.node(0).run(type(channel, "--"))
      yield* agree(network, [0, 1], channel, 2, "2 seconds")
      const [one, other] = [network.node(0), network.node(1)]
      yield* network.partition([one], [other])
      for (let n = 0; n < 20; n++) {
        yield* network.node(0).run(type(channel, "a"))
        yield* network.node(1).run(type(channel, "b", 2 + n))
      }
      yield* network.advance("2 minutes")
      yield* network.heal
      const haveMet = one.run(Effect.map(SessionManager, (sessions) => sessions.stats().open > 0))
      assert.isFalse(yield* haveMet)
      yield* network.until(() => haveMet, { within: "1 minute" })
      yield* agree(network, [0, 1], channel, 42, "1 second")
      assert.strictEqual(yield* network.node(0).run(read(channel)), `${"a".repeat(20)}--${"b".repeat(20)}`)
    })
  )

  it.effect("converges on twenty nodes that edit, crash and are parted", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(20)
      const all = numbers(20)
      const channel = yield* documentOn(network, all)
      let length = 0
      for (let round = 0; round < 3; round++) {
        yield* network.partition(
          all.filter((n) => n % 3 === round).map((n) => network.node(n)),
          all.filter((n) => n % 3 !== round).map((n) => network.node(n))
        )
        for (const n of all) {
          yield* network.node(n).run(type(channel, String.fromCharCode(97 + n)))
          length++
        }
        yield* network.node(round).crash({ disk: "kept" })
        yield* network.advance("20 seconds")
        yield* network.heal
        yield* network.node(round).start
        yield* network.advance("10 seconds")
      }
      yield* agree(network, all, channel, length, "2 minutes")
      // With more heads than an operation can name, the next one joins them first.
      yield* network.node(7).run(type(channel, "!"))
      yield* agree(network, all, channel, length + 1, "5 seconds")
      const heads = Effect.map(open(channel), (document) => document.heads().map(String))
      const [one, other] = [yield* network.node(7).run(heads), yield* network.node(12).run(heads)]
      assert.deepStrictEqual([one.length, other], [1, one])
    })
  )

  it.effect("loses nothing of what it acknowledged when the program is killed", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(2, { storage: "sqlite" })
      const channel = yield* documentOn(network, [0])
      const one = network.node(0)
      for (let n = 0; n < 10; n++) yield* one.run(type(channel, "x"))
      yield* one.crash({ disk: "kept" })
      yield* one.start
      assert.strictEqual(yield* one.run(read(channel)), "x".repeat(10))
      yield* one.run(type(channel, "y"))
      yield* one.crash({ disk: "torn" })
      yield* one.start
      assert.strictEqual(yield* one.run(read(channel)), `y${"x".repeat(10)}`)
    })
  )

  it.effect("hands its state to who comes after it has been compacted, and takes up what he brings", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(3)
      const channel = yield* documentOn(network, [0, 1])
      yield* network.node(0).run(type(channel, "hello"))
      yield* agree(network, [0, 1], channel, 5, "10 seconds")
      yield* network.node(1).stop
      yield* network.node(0).run(type(channel, "oh, "))
      yield* network.node(0).run(Effect.flatMap(open(channel), (document) => document.compact))
      yield* network.node(0).run(type(channel, "!", 9))
      yield* network.node(2).run(open(channel))
      yield* agree(network, [0, 2], channel, 10, "1 minute")
      yield* network.node(1).start
      yield* network.node(1).run(open(channel))
      yield* agree(network, [0, 1, 2], channel, 10, "1 minute")
      yield* network.node(1).run(type(channel, "?", 10))
      yield* agree(network, [0, 1, 2], channel, 11, "10 seconds")
      assert.strictEqual(yield* network.node(2).run(read(channel)), "oh, hello!?")
    })
  )

  it.effect("is found on the network when nobody has it open any more, if it was put there", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(6)
      const channel = yield* documentOn(network, [0])
      yield* network.node(0).run(type(channel, "hello"))
      const { reached } = yield* network.node(0).run(Effect.flatMap(open(channel), ({ publish }) => publish))
      assert.isAbove(reached, 1)
      yield* network.node(0).stop
      const late = yield* network.node(4).run(open(channel))
      yield* agree(network, [4], channel, 5, "1 minute")
      yield* network.node(4).run(type(channel, "!", 5))
      yield* network.node(0).start
      yield* network.node(0).run(open(channel))
      yield* agree(network, [0, 4], channel, 6, "1 minute")
      assert.isDefined(late.genesis())
    })
  )

  it.effect("is one document for all who open it on a node, and closed when the last of them has gone", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(1)
      const same = Effect.gen(function* () {
        const documents = yield* Documents
        const { channel, genesis } = yield* documents.create()
        return yield* Effect.scoped(
          Effect.gen(function* () {
            const [one, other] = [yield* documents.open(channel), yield* documents.open(genesis)]
            yield* one.edit((document) => document.text("t").insert(0, "x"))
            return [one === other, other.document().text("t").toString()]
          })
        ).pipe(Effect.zip(documents.forget(channel)), Effect.zip(Effect.scoped(documents.open(channel))))
      })
      const [[both], again] = yield* network.node(0).run(same)
      assert.deepStrictEqual(both, [true, "x"])
      assert.isUndefined(again.genesis())
    })
  )

  it.effect("is undone for who made the edit, and for everybody", () =>
    Effect.gen(function* () {
      const network = yield* notesOn(2)
      const channel = yield* documentOn(network, [0, 1])
      const mine = yield* network.node(0).run(open(channel))
      const steps: Undo = mine.document().undo()
      yield* network.node(0).run(type(channel, "hello"))
      yield* agree(network, [0, 1], channel, 5, "10 seconds")
      const text: SharedText = (yield* network.node(1).run(open(channel))).document().text("t")
      const seen: Array<Observed<SequenceChange<string>>> = []
      text.observe((observed) => seen.push(observed))
      yield* network.node(1).run(type(channel, "oh, "))
      yield* agree(network, [0, 1], channel, 9, "10 seconds")
      yield* network.node(0).run(mine.edit(() => steps.undo()))
      yield* agree(network, [0, 1], channel, 4, "10 seconds")
      assert.strictEqual(text.toString(), "oh, ")
      assert.deepStrictEqual(
        seen.map(({ changes, isLocal }) => [isLocal, changes]),
        [
          [true, [{ at: 0, removed: 0, inserted: "oh, " }]],
          [false, [{ at: 4, removed: 5, inserted: "" }]]
        ]
      )
    })
  )
})
