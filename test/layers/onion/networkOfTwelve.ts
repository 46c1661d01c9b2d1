/**
 * Twelve nodes on a simulated wire, each with a log of everything that it sees: what its keys opened and unmasked, which
 * is all that any of its layers ever reads, and the cells that it gave to a peer. And a log of the wire.
 */
import { Context, Effect, Layer, Random } from "effect"
import type { Suite } from "#core/identity/Suite"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { keyOf } from "#schemas/bytes/bytes"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Identity } from "#services/identity/Identity"
import { SessionManager } from "#services/session/SessionManager"
import { Dice } from "#simulator/Dice"
import { memoryDisk } from "#simulator/disk/memoryDisk"
import { Network } from "#simulator/network/Network"
import { Wire } from "#simulator/network/Wire"
import { nodeLayer } from "#simulator/nodeLayer"
import { SimulatedNode } from "#simulator/SimulatedNode"
import { Trace } from "#simulator/Trace"
import type { VirtualTime } from "#simulator/time/VirtualTime"
import { boot } from "../../simulator/network/lab.ts"

const NODES = 12
const quiet = { latency: 20, spread: 0.5, jitter: 0, bandwidth: 1e9, loss: 0, duplication: 0, reordering: 0 }
const plan = {
  seed: 12,
  sessions: "noise",
  sessionsMax: 64,
  // What nodes do of themselves is rare: between two of it there is nothing on the wire but what a test does.
  tempo: "calm",
  replicationFactor: 5
} as const

/** What one node sees while the logs are open. */
export interface Log {
  /** Everything that one of its keys has opened: rows of frames, headers, bodies. */
  readonly opened: Array<Uint8Array>
  /** Everything that it masked or unmasked: stacks, bodies of answers. */
  readonly masked: Array<Uint8Array>
}

/** A cell between two neighbours, as both of them see it. */
export interface Hop {
  readonly from: number
  readonly to: number
  readonly cell: Uint8Array
}

const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

const watching = (suite: Suite, isOpen: () => boolean, log: Log): Suite => ({
  ...suite,
  aead: (key) => {
    const aead = suite.aead(key)
    return {
      seal: (nonce, associated, parts) => aead.seal(nonce, associated, parts),
      open: (nonce, associated, sealed, tag) => {
        const plain = aead.open(nonce, associated, sealed, tag)
        if (plain !== undefined && isOpen()) log.opened.push(copy(plain))
        return plain
      }
    }
  },
  chacha20: (key, nonce, counter, data) => {
    const masked = suite.chacha20(key, nonce, counter, data)
    if (isOpen()) log.masked.push(copy(masked))
    return masked
  }
})

export const networkOfTwelve = Effect.fnUntraced(function* (time: VirtualTime) {
  const network = new Network(time, new Wire(quiet, plan.seed), new Trace(() => time.now))
  const hops: Array<Hop> = []
  const wire: Array<{ readonly from: number; readonly to: number; readonly bytes: Uint8Array }> = []
  let isOpen = false
  network.onCarried = (from, to, bytes) => {
    if (isOpen) wire.push({ from, to, bytes: copy(bytes) })
  }
  const numbers = new Map<string, number>()

  const start = Effect.fnUntraced(function* (number: number, bootstrap: ReadonlyArray<string>) {
    const host = network.addHost("none")
    boot(network, host)
    const disk = memoryDisk({ quotaBytes: 1e7, fsync: 1, dice: new Dice(number) })
    const log: Log = { opened: [], masked: [] }
    const services = yield* Layer.build(
      nodeLayer(new SimulatedNode(number, host, disk, false), {
        plan,
        network,
        bootstrap,
        suite: watching(NodeCrypto.make(), () => isOpen, log),
        cells: {
          isLost: () => false,
          onCell: (to, cell) => {
            if (isOpen) hops.push({ from: number, to: numbers.get(to) ?? -1, cell: copy(cell) })
          }
        }
      })
    )
    const { nodeId } = Context.get(services, Identity)
    numbers.set(keyOf(nodeId), number)
    const ip = Uint8Array.from(host.address.split("."), Number)
    return {
      number,
      services,
      log,
      nodeId,
      /** Four bytes, as they stand in headers and records. */
      ip,
      contact: () => Context.get(services, SessionManager).self(),
      listening: Context.get(services, SessionManager).listening().map(String),
      joined: () => Context.get(services, Bootstrap).isBootstrapped()
    }
  })

  const nodes = [yield* start(0, [])]
  for (let number = 1; number < NODES; number++) {
    nodes.push(yield* start(number, nodes[0]?.listening ?? []))
    yield* Effect.sleep(1_000)
  }
  while (!nodes.every(({ joined }) => joined())) yield* Effect.sleep(1_000)
  yield* Effect.sleep("2 minutes")

  /** Everything that all of them see meanwhile. */
  const logged = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      isOpen = true
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          isOpen = false
        })
      )
    })

  return { nodes, hops, wire, logged }
}, Random.withSeed("twelve nodes"))

export type TwelveNodes = Effect.Success<ReturnType<typeof networkOfTwelve>>
export type LoggedNode = TwelveNodes["nodes"][number]
