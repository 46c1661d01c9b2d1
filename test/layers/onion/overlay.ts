/**
 * Nodes that send each other envelopes by onion routes. Cells are real and peeled at every hop; between two hops there
 * is no wire, only what the test wants to become of a cell.
 */
import { Clock, Context, Effect, Layer, Random, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import type { Outgoing } from "#core/onion/buildRequest"
import { EphemeralKeys } from "#core/onion/EphemeralKeys"
import { peel } from "#core/onion/peel"
import { ReplaySet } from "#core/onion/ReplaySet"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as NodeBounds from "#layers/node/NodeBounds"
import * as ReliableOnion from "#layers/onion/ReliableOnion"
import * as StoredDeliveries from "#layers/router/StoredDeliveries"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import { keyOf } from "#schemas/bytes/bytes"
import { ONION_RELAY } from "#schemas/identity/PeerRecord"
import { classOf } from "#schemas/onion/OnionCell"
import type { NextHopFields } from "#schemas/onion/OnionHeader"
import { parseAddress } from "#schemas/transport/Address"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Bounds } from "#services/node/Bounds"
import { type Mixing, MixPolicy } from "#services/onion/MixPolicy"
import { type CellDropped, CellNotSent, type CellReceiver, OnionCells } from "#services/onion/OnionCells"
import { type OnionArrival, OnionRouter, type Taken } from "#services/onion/OnionRouter"
import { Recipients } from "#services/router/Recipients"
import { NoRoute, RouteTable } from "#services/router/RouteTable"
import type { Session } from "#services/session/SessionManager"
import { DeliveredStore } from "#services/storage/DeliveredStore"
import { sessionsBut } from "../dht/sessionsDouble.ts"

export const { suite } = NodeCrypto

/** A cell on its way from one node to the next. */
export interface Carried {
  readonly from: string
  readonly to: string
  readonly cell: Uint8Array
}

interface Member {
  readonly contact: Contact
  readonly identity: Identity["Service"]
  readonly replays: ReplaySet
  receiver: CellReceiver | undefined
}

export const makeOverlay = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const members = new Map<string, Member>()
  const world = {
    members,
    relays: [] as Array<Contact>,
    /** Every cell on every link, lost ones too. */
    carried: [] as Array<Carried>,
    dropped: [] as Array<CellDropped>,
    /** What the last word of a hop to another is: whether its cell arrives. */
    isLost: (_: Carried): boolean => false,
    /** Nodes that cannot be reached as a first hop. */
    unreachable: new Set<string>(),
    carry: (from: string, { cell, to }: Outgoing): void => {
      const carried = { from, to: keyOf(to.nodeId), cell }
      world.carried.push(carried)
      const member = members.get(carried.to)
      if (member === undefined || world.isLost(carried)) return
      const now = clock.currentTimeMillisUnsafe() / 1000
      const peeled = peel(suite, { keys: member.identity.onionKeys.usable(now), replays: member.replays }, cell, now)
      if (peeled._tag === "Forward") world.carry(carried.to, { to: peeled.next, cell: peeled.cell })
      else if (peeled._tag === "Drop") world.dropped.push(peeled.reason)
      else if (peeled._tag === "Deliver") member.receiver?.onDeliver(peeled)
      else if (peeled._tag === "Hand") member.receiver?.onHand(peeled)
      else member.receiver?.onReply(peeled)
    }
  }
  return world
})

export type Overlay = Effect.Success<typeof makeOverlay>

export interface MemberOptions {
  /** Offers to relay; not unless said. */
  readonly relays?: boolean
  /** Starts of this node; its onion key is made at each. */
  readonly run?: number
  /** Whether its record names an address. */
  readonly listens?: boolean
  readonly saved?: MemoryDeliveredStore.SavedIds
  readonly store?: DeliveredStore["Service"]
  readonly mixing?: Partial<Mixing>
  readonly tempo?: Layer.Layer<never>
}

const OFF: Mixing = { hopDelay: 0, flushEvery: undefined, cover: 0 }

const identityOf = (seed: string, run: number) =>
  Layer.build(
    KeyStoreIdentity.layer({ network: "onions", local: false }).pipe(
      Layer.provide(Layer.provide(MemoryKeyStore.layer, SeededRandom.layer(seed))),
      Layer.provideMerge(SeededRandom.layer(`${seed} ${run}`)),
      Layer.provideMerge(NodeCrypto.layer)
    )
  )

/** What this node was told of its routes. */
const makeRoutes = (world: Overlay, self: string) => {
  const told = {
    doubted: [] as Array<string>,
    succeeded: 0,
    failed: [] as Array<string | undefined>,
    guardFailed: [] as Array<string>,
    prepared: 0
  }
  let turn = 0
  const pick = (count: number, avoid: ReadonlyArray<string>, guardLast: boolean) => {
    const usable = world.relays.filter(
      ({ key }) => key !== self && !avoid.includes(key) && !told.guardFailed.includes(key)
    )
    if (usable.length < count) return Result.fail(new NoRoute({ peer: "somebody", reason: "too few relays" }))
    const relays = Array.from({ length: count }, (_, n) => usable[(turn + n) % usable.length]!)
    turn++
    return Result.succeed({ relays: guardLast ? relays.reverse() : relays, until: Number.POSITIVE_INFINITY })
  }
  const table = Layer.mock(RouteTable, {
    admit: () => {},
    missed: () => {},
    lost: () => {},
    pickDiverseRelays: (count, avoid) => pick(count, avoid, false),
    routeTo: (to) => pick(3, [to.key], false),
    routeBack: (avoid) => pick(3, avoid, true),
    prepared: () =>
      Effect.suspend(() => {
        told.prepared++
        return new NoRoute({ peer: "somebody", reason: "too few relays" })
      }),
    succeeded: () => void told.succeeded++,
    failed: (_, culprit) => void told.failed.push(culprit),
    guardFailed: (key) => void told.guardFailed.push(key),
    relays: () => [],
    find: () => undefined,
    wanted: () => 0,
    stale: () => [],
    isNeeded: () => false,
    searched: () => Effect.void
  })
  return { told, table }
}

const cellsOf = (world: Overlay, self: string, draw: (count: number) => Uint8Array, reached: Array<NextHopFields>) => {
  const send = (outgoing: Outgoing) =>
    Effect.suspend((): Effect.Effect<void, CellNotSent> => {
      if (world.unreachable.has(keyOf(outgoing.to.nodeId))) {
        return new CellNotSent({ peer: "somebody", layer: "transport", reason: "nobody there" })
      }
      return Effect.sync(() => world.carry(self, outgoing))
    })
  return Layer.succeed(OnionCells, {
    send,
    answer: send,
    reach: (next) => Effect.sync(() => reached.push(next) as unknown as Session),
    ephemerals: new EphemeralKeys(suite, draw),
    receive: (receiver) =>
      Effect.sync(() => {
        const member = world.members.get(self)
        if (member !== undefined) member.receiver = receiver
      }),
    stats: () => ({ forwarded: 0, arrived: 0, dropped: {} })
  })
}

let port = 0

/** A node of the world; with the seed of an earlier one the same one after a restart. */
export const join = Effect.fnUntraced(function* (world: Overlay, seed: string, options: MemberOptions = {}) {
  const below = yield* identityOf(seed, options.run ?? 1)
  const identity = Context.get(below, Identity)
  const address = Result.getOrThrow(parseAddress(`/ip4/198.51.100.7/tcp/${++port}`))
  const contact = signPeerRecord(suite, identity.signing, identity.networkId, {
    noise: identity.noise.publicKey,
    onion: identity.onionKeys.current.publicKey,
    seq: options.run ?? 1,
    issued: 0,
    expires: 86_400,
    capabilities: options.relays === true ? ONION_RELAY : 0,
    addresses: options.listens === false ? [] : [address.bytes]
  })
  const replays = new ReplaySet(new Uint8Array(16).fill(9), 10_000)
  world.members.set(contact.key, { contact, identity, replays, receiver: undefined })
  if (options.relays === true) world.relays.push(contact)
  const { table, told } = makeRoutes(world, contact.key)
  const reached: Array<NextHopFields> = []
  const random = yield* Layer.build(SeededRandom.layer(`${seed} cells`))
  const { bytes } = Context.get(random, SecureRandom)
  const services = yield* Layer.build(
    ReliableOnion.layer.pipe(
      Layer.provide([
        Layer.succeedContext(below),
        sessionsBut({ self: () => contact }),
        table,
        Layer.mock(Recipients, {
          find: (nodeId) =>
            Effect.suspend(() => {
              const member = world.members.get(keyOf(nodeId))
              return member === undefined
                ? Effect.fail(new NoRoute({ peer: "somebody", reason: "not found" }))
                : Effect.succeed(member.contact)
            }),
          doubt: (doubted) => void told.doubted.push(doubted.key)
        }),
        cellsOf(world, contact.key, bytes, reached),
        Layer.provide(
          StoredDeliveries.layer,
          Layer.succeed(DeliveredStore, options.store ?? MemoryDeliveredStore.make(options.saved))
        ),
        Layer.succeed(MixPolicy, { ...OFF, ...options.mixing }),
        ...(options.tempo === undefined ? [] : [options.tempo])
      ]),
      Layer.provideMerge(NodeBounds.layer)
    )
  ).pipe(Random.withSeed(seed))
  const onion = Context.get(services, OnionRouter)
  const got: Array<OnionArrival> = []
  return {
    contact,
    identity,
    onion,
    told,
    reached,
    got,
    bounds: Context.get(services, Bounds),
    /** Takes what arrives, as this says. */
    listen: (taken: (arrival: OnionArrival) => Taken = () => "taken") =>
      onion.onArrival((arrival) => {
        const verdict = taken(arrival)
        if (verdict !== "refused") got.push(arrival)
        return verdict
      })
  }
})

export type OverlayNode = Effect.Success<ReturnType<typeof join>>

export const sizeOf = ({ bounds }: OverlayNode, name: string): number | undefined =>
  bounds
    .list()
    .find((it) => it.name === name)
    ?.size()

export const receiverOf = (world: Overlay, { contact }: OverlayNode): CellReceiver => {
  const receiver = world.members.get(contact.key)?.receiver
  if (receiver === undefined) throw new Error("a node that receives nothing")
  return receiver
}

/** A world of so many relays. */
export const overlay = Effect.fnUntraced(function* (relays: number) {
  const world = yield* makeOverlay
  for (let n = 0; n < relays; n++) yield* join(world, `relay ${n}`, { relays: true })
  return world
})

/** How many cells of each class went over links. */
export const classesOf = (world: Overlay): ReadonlyArray<number> => [
  ...new Set(world.carried.map(({ cell }) => classOf(cell.length)!))
]
