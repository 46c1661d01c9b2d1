/** Nodes that carry cells over the simulated wire, in virtual time, and cells that a test seals for them. */
import { assert } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Result } from "effect"
import { seededBytes } from "#core/identity/seededBytes"
import { buildRequest, type Hop, type Outgoing, type Request } from "#core/onion/buildRequest"
import { layersOf, ZERO_NONCE } from "#core/onion/layerKeys"
import { minuteOf, ttlOf } from "#core/onion/minutes"
import { TAGS_LIMIT } from "#core/onion/ReplaySet"
import { makeReplyBlock, sealReply } from "#core/onion/replyBlock"
import { sealStack } from "#core/onion/sealStack"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as NodeBounds from "#layers/node/NodeBounds"
import * as RelayedCells from "#layers/onion/RelayedCells"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { concatBytes } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { ONION_RELAY } from "#schemas/identity/PeerRecord"
import { type HopAddress, hopAddressOf } from "#schemas/onion/HopAddress"
import { BODY_BYTES, CELL_BYTES, STACK_BYTES } from "#schemas/onion/OnionCell"
import type { OnionPayloadFields } from "#schemas/onion/OnionPayload"
import { type InnerEnvelopeFields, type MessageId, write } from "#schemas/router/InnerEnvelope"
import { FrameType } from "#schemas/session/Frame"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { PeeledLimit } from "#services/onion/Limits"
import { type Mixing, MixPolicy } from "#services/onion/MixPolicy"
import { type Delivered, type HandedOver, OnionCells, type Replied } from "#services/onion/OnionCells"
import { type DialTarget, type Session, SessionManager } from "#services/session/SessionManager"
import { Network } from "#simulator/network/Network"
import { Wire } from "#simulator/network/Wire"
import { Trace } from "#simulator/Trace"
import type { VirtualTime } from "#simulator/time/VirtualTime"
import { boot } from "../../simulator/network/lab.ts"

const { suite } = NodeCrypto

/** Milliseconds from one machine to another, always. */
export const LATENCY = 10

const quiet = { latency: LATENCY, spread: 0, jitter: 0, bandwidth: 1e9, loss: 0, duplication: 0, reordering: 0 }

export interface NodeOptions {
  /** Offers to relay; true unless said otherwise. */
  readonly relays?: boolean
  /** Wants what is for it; true unless said otherwise. */
  readonly receives?: boolean
  readonly mixing?: Partial<Mixing>
  readonly peeledLimit?: number
}

const OFF: Mixing = { hopDelay: 0, flushEvery: undefined, cover: 0 }

/** `local`: a network on which private addresses are as good as others. */
export const makeRelays = (time: VirtualTime, local = false) => {
  const network = new Network(time, new Wire(quiet, 1), new Trace(() => time.now))
  const draw = seededBytes(suite, "cells of a test")
  const keys = (count: number) => Array.from({ length: count }, () => suite.agreementKey(draw(32)))

  /** A node from sessions down. */
  const below = Effect.fnUntraced(function* (relays: boolean) {
    const host = network.addHost("none")
    boot(network, host)
    const address = network.addressAt(host.address, 4_001)
    const seed = `relay ${host.number}`
    const layer = NoiseSessions.layer({ listen: [address], capabilities: relays ? ONION_RELAY : 0 }).pipe(
      Layer.provideMerge(RacingTransportManager.layer),
      Layer.provideMerge(VerifiedPeers.layer),
      Layer.provideMerge(KeyStoreIdentity.layer({ network: "cells", local })),
      Layer.provide(MemoryKeyStore.layer),
      Layer.provideMerge(SeededRandom.layer(seed)),
      Layer.provideMerge(NodeCrypto.layer),
      Layer.provide(network.layerOf(host))
    )
    const services = yield* Layer.build(Layer.provideMerge(layer, NodeBounds.layer))
    const identity = Context.get(services, Identity)
    return {
      host,
      address,
      identity,
      services,
      manager: Context.get(services, SessionManager),
      bounds: Context.get(services, Bounds),
      target: { nodeId: identity.nodeId, addresses: [address], trusted: true }
    }
  })

  /** A node that carries cells. */
  const node = Effect.fnUntraced(function* (options: NodeOptions = {}) {
    const { mixing, peeledLimit = TAGS_LIMIT, receives = true, relays = true } = options
    const base = yield* below(relays)
    let bring: (session: Session, cell: Uint8Array) => boolean = () => false
    const onFrame: SessionManager["Service"]["onFrame"] = (type, handle) => {
      bring = handle
      return base.manager.onFrame(type, handle)
    }
    const services = yield* Layer.build(
      RelayedCells.layer.pipe(
        Layer.provide([
          Layer.succeedContext(Context.add(base.services, SessionManager, { ...base.manager, onFrame })),
          Layer.succeed(MixPolicy, { ...OFF, ...mixing }),
          Layer.succeed(PeeledLimit, peeledLimit)
        ])
      )
    )
    const cells = Context.get(services, OnionCells)
    const got = {
      delivered: [] as Delivered[],
      handed: [] as HandedOver[],
      replied: [] as Replied[],
      /** When each came, in milliseconds. */
      at: [] as number[]
    }
    const arrived =
      <A>(list: Array<A>) =>
      (it: A) => {
        list.push(it)
        got.at.push(time.now)
      }
    const receiver = {
      onDeliver: arrived(got.delivered),
      onHand: arrived(got.handed),
      onReply: arrived(got.replied)
    }
    if (receives) yield* cells.receive(receiver)
    return { ...base, cells, got, bring }
  })

  /** A peer without any of that, which says what a test tells it to; with a session to a node. */
  const stranger = Effect.fnUntraced(function* (to: { readonly target: DialTarget }) {
    const base = yield* below(false)
    const heard: Array<{ readonly cell: Uint8Array; readonly at: number }> = []
    yield* base.manager.onFrame(FrameType.ONION, (_, cell) => heard.push({ cell: cell.slice(), at: time.now }) > 0)
    const session = yield* base.manager.connect(to.target)
    const say = (...cells: ReadonlyArray<Uint8Array>) => {
      for (const cell of cells) assert.isTrue(session.offer(FrameType.ONION, cell))
      return settle
    }
    return { ...base, heard, say }
  })

  const envelope: InnerEnvelopeFields = { type: "RPC", body: new Uint8Array(20).fill(5) }
  const payloadOf = (fields: Partial<OnionPayloadFields> = {}): OnionPayloadFields => ({
    messageId: draw(16) as MessageId,
    part: 0,
    parts: 1,
    piece: write(envelope),
    blocks: [],
    ...fields
  })

  /** In minutes from now. */
  const ttlIn = (minutes: number) =>
    Effect.map(Clock.currentTimeMillis, (now) => ttlOf(minuteOf(now / 1_000) + minutes))

  const request = Effect.fnUntraced(function* (path: ReadonlyArray<Hop>, fields: Partial<Request> = {}) {
    const ttl = yield* ttlIn(4)
    return Result.getOrThrow(
      buildRequest(suite, draw, {
        path,
        ephemerals: keys(path.length),
        cellClass: 0,
        ttl,
        payload: payloadOf(),
        ...fields
      })
    )
  })

  /** An answer on its way, to the first of the path, which ends with whoever asked. */
  const reply = Effect.fnUntraced(function* (path: ReadonlyArray<Hop>): Effect.fn.Return<Outgoing> {
    const made = makeReplyBlock(suite, draw, {
      path,
      ephemerals: keys(path.length),
      cellClass: 0,
      ttl: yield* ttlIn(9)
    })
    const now = (yield* Clock.currentTimeMillis) / 1_000
    return Result.getOrThrow(sealReply(suite, draw, Result.getOrThrow(made).block, payloadOf(), now))
  })

  /** A cell of one layer that says whatever a test wants its header and its body to say. */
  const crafted = (hop: Hop, header: (bodyTag: Uint8Array) => Uint8Array, body = new Uint8Array(BODY_BYTES[0])) => {
    const ephemerals = keys(1)
    const layers = Result.getOrThrow(layersOf(suite, [hop], ephemerals))
    const sealed = concatBytes(suite.aead(layers[0]!.body).seal(ZERO_NONCE, new Uint8Array(0), [body]))
    const cell = new Uint8Array(CELL_BYTES[0])
    sealStack(suite, draw, layers, ephemerals, [header(sealed.subarray(body.length))], cell)
    cell.set(sealed.subarray(0, body.length), STACK_BYTES)
    return cell
  }

  return { network, draw, keys, crafted, node, stranger, payloadOf, request, reply, ttlIn }
}

export type Relays = ReturnType<typeof makeRelays>
export type Stranger = Effect.Success<ReturnType<Relays["stranger"]>>
export type RelayNode = Effect.Success<ReturnType<Relays["node"]>>

/** Enough for a session to be made and a cell to come over it. */
export const settle = Effect.sleep(20 * LATENCY)

/** The node as a hop; `address` another one than its own, or none. */
export const hopOf = ({ address, identity }: Pick<RelayNode, "address" | "identity">): Hop => ({
  nodeId: identity.nodeId,
  onion: identity.onionKeys.current.publicKey,
  address: hopAddressOf(address.bytes)!
})

/** The same without an address: over a session that is open, or not at all. */
export const nearHopOf = (node: Pick<RelayNode, "address" | "identity">): Hop => {
  const { nodeId, onion } = hopOf(node)
  return { nodeId, onion }
}

export const placeAt = (...ip: ReadonlyArray<number>): HopAddress =>
  ({ transport: "tcp", ip: Uint8Array.from(ip), port: 4_001 }) as HopAddress

/** A hop that nobody is. */
export const nobody = (draw: Relays["draw"]): Hop => ({
  nodeId: draw(32) as NodeId,
  onion: suite.agreementKey(draw(32)).publicKey
})

/** Every collection is within its limit. */
export const assertBounded = ({ bounds }: Pick<RelayNode, "bounds">): void => {
  assert.isAtLeast(bounds.list().length, 9)
  for (const { limit, name, size } of bounds.list()) assert.isAtMost(size(), limit, name)
}

export const sizeOf = ({ bounds }: Pick<RelayNode, "bounds">, name: string): number | undefined =>
  bounds
    .list()
    .find((it) => it.name === name)
    ?.size()
