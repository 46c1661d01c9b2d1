/** What keepNote of embed.ts does on a network that breaks in two, and where a node loses its disk. */
import { assert, it } from "@effect/vitest"
import { Blobs, cidText } from "allium"
import { TestNetwork } from "allium/testing"
import { Effect, Stream } from "effect"

const save = (note: string) => Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.make(new TextEncoder().encode(note))))
it.effect("a note outlives a partition and the node that wrote it", () =>
  Effect.gen(function* () {
    const network = yield* TestNetwork.make({ nodes: 8, seed: 7 })
    const [alice, bob, carol] = [network.node(0), network.node(1), network.node(7)]
    const rejoin = yield* network.partition([alice, bob, network.node(2), network.node(3)])

    const { cid } = yield* alice.run(save("milk, eggs"))
    const read = Effect.flatMap(Blobs, (blobs) => blobs.get(cid).pipe(Stream.decodeText, Stream.mkString))
    assert.strictEqual(yield* bob.run(read), "milk, eggs")
    assert.strictEqual((yield* Effect.flip(carol.run(read)))._tag, "BlobIncomplete")

    yield* rejoin
    yield* network.converged()
    assert.strictEqual(yield* carol.run(read), "milk, eggs")

    yield* alice.crash({ disk: "lost" })
    assert.strictEqual(yield* network.node(6).run(read), "milk, eggs", cidText(cid))
  })
)
