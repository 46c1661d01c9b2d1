/** Records outlive the nodes that hold them: whole networks in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { compareDistance } from "#core/dht/distance"
import { RecordKind } from "#schemas/dht/Record"
import { Dht } from "#services/dht/Dht"
import { TestNetwork } from "#simulator/TestNetwork"
import type { TestNode } from "#simulator/TestNode"

type Node = TestNode<never>

const FACTOR = 5
/** Of all nodes, at one instant; with their disks, and nobody is told. */
const LOST = 0.25
/** Of all nodes, an hour. */
const LEAVING = 0.1
const KEPT = 1_000

/** Whom a newcomer is told of is one of the first eight nodes. */
const ENTRANCES = 8

const content = (n: number): Uint8Array => Uint8Array.of(n & 255, n >> 8, 99)

const networkOf = Effect.fnUntraced(function* (count: number, seed: number, tempo: "production" | "calm") {
  const network = yield* TestNetwork.make({ nodes: count, seed, tempo, sessions: "plain", sessionsMax: 16 })
  const nodes: Array<Node> = Array.from({ length: count }, (_, n) => network.node(n))
  return { network, nodes }
})

const putAll = Effect.fnUntraced(function* (nodes: ReadonlyArray<Node>, count: number) {
  const keys: Array<Uint8Array> = []
  for (let n = 0; n < count; n++) {
    const put = Effect.flatMap(Dht, (dht) => dht.putBlock(content(n)))
    keys.push((yield* nodes[n % nodes.length]!.run(put)).key)
  }
  return keys
})

const holdersOf = (nodes: ReadonlyArray<Node>, key: Uint8Array): number =>
  nodes.filter((node) => node.isUp && node.holds(RecordKind.Block, key)).length

/** Whether the closest nodes of all that are up hold it. */
const isWhole = (nodes: ReadonlyArray<Node>, key: Uint8Array): boolean =>
  nodes
    .filter((node) => node.isUp)
    .toSorted((a, b) => compareDistance(key, a.nodeId, b.nodeId))
    .slice(0, FACTOR)
    .every((node) => node.holds(RecordKind.Block, key))

const histogram = (counts: ReadonlyArray<number>): string => {
  const bars = new Map<number, number>()
  for (const count of counts) bars.set(count, (bars.get(count) ?? 0) + 1)
  return [...bars]
    .sort(([a], [b]) => a - b)
    .map(([count, keys]) => `${keys} keys on ${count}`)
    .join(", ")
}

describe("a network that loses nodes with their disks", () => {
  it.live(
    "has every key that kept a holder back at its factor within three hours",
    () =>
      Effect.gen(function* () {
        const { network, nodes } = yield* networkOf(60, 4, "production")
        const keys = yield* putAll(nodes, 300)
        for (const node of nodes.filter((_, n) => n % Math.round(1 / LOST) === 0)) yield* node.crash({ disk: "lost" })
        const kept = keys.filter((key) => holdersOf(nodes, key) > 0)
        console.log(`after the crash: ${histogram(kept.map((key) => holdersOf(nodes, key)))}`)
        let minutes = 0
        while (!kept.every((key) => isWhole(nodes, key))) {
          assert.isBelow(minutes, 180, `${kept.filter((key) => !isWhole(nodes, key)).length} keys are not whole`)
          yield* network.advance("5 minutes")
          minutes += 5
        }
        console.log(`whole after ${minutes} minutes: ${histogram(kept.map((key) => holdersOf(nodes, key)))}`)
        assert.isAtLeast(kept.length, 295)
      }),
    300_000
  )

  it.live(
    `keeps all of ${KEPT} keys for a day while a tenth leave every hour and as many come`,
    () =>
      Effect.gen(function* () {
        // Calm nodes compare a sixth as often as real ones: what they keep, those keep.
        const { network, nodes } = yield* networkOf(60, 5, "calm")
        const keys = yield* putAll(nodes, KEPT)
        const leaving = Math.round(nodes.length * LEAVING)
        const present = [...nodes]
        let fewest = Number.POSITIVE_INFINITY
        for (let hour = 0; hour < 24; hour++) {
          for (let n = 0; n < leaving; n++) {
            // In turn, so that every disk there is has been lost before one is lost twice.
            const node = present.shift()!
            yield* node.crash({ disk: "lost" })
            // The first nodes are those that others are told of. They come back with nothing but their name.
            if (node.number < ENTRANCES) yield* Effect.andThen(network.advance("5 minutes"), node.start)
            else nodes.push(yield* network.addNode())
            present.push(node.isUp ? node : nodes.at(-1)!)
            yield* network.advance("10 minutes")
          }
          fewest = Math.min(fewest, ...keys.map((key) => holdersOf(nodes, key)))
          assert.isAbove(fewest, 0, `a key was lost in hour ${hour}`)
        }
        console.log(
          `fewest holders at any hour ${fewest}; in the end ${histogram(keys.map((key) => holdersOf(nodes, key)))}`
        )
        assert.strictEqual(nodes.filter((node) => node.isUp).length, 60)
      }),
    900_000
  )
})
