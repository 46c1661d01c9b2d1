/** Two people of collab-text.ts, on a simulated network: they write at the same moment, and end with the same text. */
import { assert, it } from "@effect/vitest"
import { Documents, type OpenDocument } from "allium"
import { TestNetwork } from "allium/testing"
import { Context, Effect, Layer, Scope } from "effect"
import { textOf, write } from "./collab-text.ts"

/** What a document is left open by. */
class Desk extends Context.Service<Desk, Scope.Scope>()("Desk") {}

const open = (channel: Uint8Array) =>
  Effect.gen(function* () {
    return yield* Scope.provide((yield* Documents).open(channel), yield* Desk)
  })

it.effect("shows everybody the same text, whoever wrote at the same time", () =>
  Effect.gen(function* () {
    const network = yield* TestNetwork.make({ nodes: 3, app: Layer.effect(Desk, Effect.scope) })
    const [alice, bob] = [network.node(0), network.node(2)]
    const { channel } = yield* alice.run(Effect.flatMap(Documents, (documents) => documents.create()))
    const hers: OpenDocument = yield* alice.run(open(channel))
    const his: OpenDocument = yield* bob.run(open(channel))
    for (const line of ["one\n", "two\n"]) {
      yield* Effect.all([alice.run(write(hers, line)), bob.run(write(his, line.toUpperCase()))], { concurrency: 2 })
    }
    yield* network.until(() => textOf(hers) === textOf(his) && textOf(hers).length === 16, { within: "5 seconds" })
    assert.deepStrictEqual(textOf(his).split("\n").sort(), ["", "ONE", "TWO", "one", "two"])
  })
)
