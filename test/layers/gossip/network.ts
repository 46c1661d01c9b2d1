/** A network of hundreds that gossip: production layers from sessions up, on the simulated wire and in virtual time. */
import { Clock, Context, Effect, Layer, Queue, Random, Redacted, Result } from "effect"
import type { Suite } from "#core/identity/Suite"
import { seededBytes } from "#core/identity/seededBytes"
import * as MeshGossip from "#layers/gossip/MeshGossip"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as NodeBounds from "#layers/node/NodeBounds"
import * as PlainSessions from "#layers/session/PlainSessions"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { concatBytes, keyOf } from "#schemas/bytes/bytes"
import * as GossipFrame from "#schemas/gossip/GossipFrame"
import type { Topic } from "#schemas/gossip/GossipMessage"
import { FrameType } from "#schemas/session/Frame"
import type { LinkProfile } from "#schemas/simulation/Plan"
import { Gossip, type Received } from "#services/gossip/Gossip"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KeyStore } from "#services/identity/KeyStore"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import { Dice } from "#simulator/Dice"
import { Network } from "#simulator/network/Network"
import { Wire } from "#simulator/network/Wire"
import { Trace } from "#simulator/Trace"
import type { VirtualTime } from "#simulator/time/VirtualTime"
import { boot } from "../../simulator/network/lab.ts"
import { signed } from "./gossiping.ts"

const LINK: LinkProfile = {
  latency: 40,
  spread: 0.5,
  jitter: 5,
  bandwidth: 12.5e6,
  loss: 0.001,
  duplication: 0,
  reordering: 0
}

/** How a node behaves: as it should; taking messages and passing none on; or sending whatever does harm. */
export type Conduct = "honest" | "dropping" | "spamming"

/** Sessions that each node opens; as many again come from others. */
const DIALS = 8

export const topic = new Uint8Array(32).fill(1) as Topic

/** What 200 nodes verify is verified once, or half of the time would be spent on it. */
const sharing = (suite: Suite): Suite => {
  const verified = new Map<string, boolean>()
  return {
    ...suite,
    verify: (publicKey, message, signature) => {
      const key = keyOf(suite.sha256(concatBytes([publicKey, signature, message])))
      const known = verified.get(key) ?? suite.verify(publicKey, message, signature)
      verified.set(key, known)
      return known
    }
  }
}

const keyStore = (seed: string) =>
  Layer.effect(
    KeyStore,
    Effect.map(Crypto, (suite) => {
      const bytes = seededBytes(suite, `${seed} keys`)
      return KeyStore.of({ load: Effect.succeed({ seed: Redacted.make(bytes(32)), noise: Redacted.make(bytes(32)) }) })
    })
  )

const startNode = Effect.fnUntraced(function* (network: Network, suite: Suite, number: number, conduct: Conduct) {
  const seed = `gossip ${number}`
  const host = network.addHost("none")
  boot(network, host)
  const address = network.addressAt(host.address, 4001)
  const sessions = PlainSessions.layer({ listen: [address] }).pipe(
    Layer.provideMerge(RacingTransportManager.layer),
    Layer.provideMerge(VerifiedPeers.layer),
    Layer.provideMerge(KeyStoreIdentity.layer({ network: "gossip", local: false })),
    Layer.provide(keyStore(seed)),
    Layer.provideMerge(SeededRandom.layer(seed)),
    Layer.provideMerge(Layer.succeed(Crypto, suite)),
    Layer.provide(network.layerOf(host))
  )
  const below = yield* Layer.build(Layer.provideMerge(sessions, NodeBounds.layer))
  const manager = Context.get(below, SessionManager)
  const { nodeId } = Context.get(below, Identity)
  const base = { number, conduct, manager, services: below, bounds: Context.get(below, Bounds), key: keyOf(nodeId) }
  const target = { nodeId, addresses: manager.listening(), trusted: true }
  if (conduct !== "honest") return { ...base, target, gossip: undefined, queue: undefined }
  const services = yield* Layer.build(MeshGossip.layer.pipe(Layer.provide(Layer.succeedContext(below)))).pipe(
    Random.withSeed(seed)
  )
  const gossip = Context.get(services, Gossip)
  const queue = yield* gossip.join(topic, ({ data }) => Effect.succeed(data[0] === 66 ? "reject" : "accept"))
  return { ...base, target, gossip, queue }
})

export type NetworkNode = Effect.Success<ReturnType<typeof startNode>>

/** Joins everything, is in every mesh that takes it, and passes nothing on. */
const drop = Effect.fnUntraced(function* ({ manager }: NetworkNode) {
  yield* manager.onFrame(FrameType.GOSSIP, () => true)
  yield* manager.onOpen((session) => {
    session.offer(FrameType.GOSSIP, GossipFrame.write({ topics: [{ topic, on: true }], graft: [topic] }))
  })
})

/** Twice a second to all neighbours: forged and unwanted messages, ids of nothing, grafts whatever the answer. */
const spam = Effect.fnUntraced(function* (node: NetworkNode, now: () => number) {
  yield* drop(node)
  const dice = new Dice(node.number)
  const random = (length: number) => Uint8Array.from({ length }, () => dice.int(256))
  const once = Effect.sync(() => {
    const forged = signed(node, { topic, issued: now(), data: random(100) })
    forged[forged.length - 1]! ^= 1
    const unwanted = signed(node, { topic, issued: now(), data: Uint8Array.of(66, ...random(50)) })
    const payload = GossipFrame.write({
      messages: dice.chance(0.5) ? [forged] : [unwanted],
      ihave: [{ topic, ids: [random(32), random(32)] }],
      graft: [topic]
    })
    for (const session of node.manager.list()) session.offer(FrameType.GOSSIP, payload)
  })
  yield* once.pipe(Effect.andThen(Effect.sleep("500 millis")), Effect.forever, Effect.forkScoped)
})

export const makeNetwork = Effect.fnUntraced(function* (time: VirtualTime, conducts: ReadonlyArray<Conduct>) {
  const network = new Network(time, new Wire(LINK, 1), new Trace(() => time.now))
  const suite = sharing(NodeCrypto.make())
  const nodes: Array<NetworkNode> = []
  for (const [number, conduct] of conducts.entries()) {
    nodes.push(yield* startNode(network, suite, number, conduct))
  }
  const clock = yield* Clock.Clock
  for (const node of nodes) {
    if (node.conduct === "dropping") yield* drop(node)
    if (node.conduct === "spamming") yield* spam(node, () => clock.currentTimeMillisUnsafe())
  }
  const dice = new Dice("who dials whom")
  const dial = (from: NetworkNode) =>
    Effect.forEach(Array.from({ length: DIALS }), () => {
      const to = dice.pick(nodes)
      return to === from ? Effect.void : Effect.ignore(from.manager.connect(to.target), { log: "Warn" })
    })
  yield* Effect.forEach(nodes, dial, { concurrency: nodes.length, discard: true })
  return { network, nodes }
})

export interface Spread {
  /** Of all deliveries that should be: how many there were, and how many within six hops. */
  readonly delivered: number
  readonly near: number
  readonly longest: number
  readonly count: number
}

/** Has honest nodes publish, one after the other, and looks who got what from whom. */
export const spread = Effect.fnUntraced(function* (nodes: ReadonlyArray<NetworkNode>, messages: number) {
  const honest = nodes.filter(({ conduct }) => conduct === "honest")
  const dice = new Dice("who publishes")
  const authors = new Map<string, string>()
  for (let n = 0; n < messages; n++) {
    const author = dice.pick(honest)
    const { id } = yield* author.gossip!.publish(topic, new Uint8Array(200).fill(n % 60))
    authors.set(keyOf(id), author.key)
    yield* Effect.sleep("200 millis")
  }
  yield* Effect.sleep("6 seconds")
  const from = new Map<string, string>()
  for (const { key, queue } of honest) {
    for (const { from: neighbour, id } of yield* Queue.clear(queue as Queue.Dequeue<Received>)) {
      from.set(keyOf(id) + key, neighbour.key)
    }
  }
  const hops = (id: string, key: string): number =>
    authors.get(id) === key ? 0 : 1 + hops(id, from.get(id + key) ?? assertKnown(authors.get(id)))
  const lengths: Array<number> = []
  for (const id of authors.keys()) for (const { key } of honest) if (from.has(id + key)) lengths.push(hops(id, key))
  const expected = messages * (honest.length - 1)
  return {
    delivered: lengths.length / expected,
    near: lengths.filter((length) => length <= 6).length / expected,
    longest: Math.max(...lengths),
    count: lengths.length
  } satisfies Spread
})

const assertKnown = (key: string | undefined): string =>
  Result.getOrThrow(key === undefined ? Result.fail("a message that nobody wrote") : Result.succeed(key))
