/** What stands above blocks and CIDs: a name that says where something is, and a role that says who does what. */
import { assert, it } from "@effect/vitest"
import { Dht, Membership } from "allium"
import { TestNetwork } from "allium/testing"
import { Effect } from "effect"

const printer = Effect.gen(function* () {
  const [dht, membership] = [yield* Dht, yield* Membership]
  yield* membership.announceRole("printer")
  yield* dht.putName("printer/queue", new TextEncoder().encode("empty"))
})

/** What the printer itself says of its queue: anybody may set any name, so the author is what counts. */
const queueOfPrinter = Effect.gen(function* () {
  const [dht, membership] = [yield* Dht, yield* Membership]
  const [found] = yield* membership.findPeersByRole("printer")
  const entries = yield* dht.getName("printer/queue")
  const said = entries.find(({ author }) => author.every((byte, at) => byte === found?.publicKey[at]))
  return said === undefined ? undefined : new TextDecoder().decode(said.value)
})

it.effect("an app finds a printer by its role and reads its queue by name, among what others say", () =>
  Effect.gen(function* () {
    const network = yield* TestNetwork.make({ nodes: 6 })
    yield* network.node(1).run(printer)
    const joker = Effect.flatMap(Dht, (dht) => dht.putName("printer/queue", new TextEncoder().encode("on fire")))
    yield* network.node(4).run(joker)
    assert.strictEqual(yield* network.node(5).run(queueOfPrinter), "empty")
  })
)
