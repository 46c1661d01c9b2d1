/**
 * The Replicator of a running node: puts together what keeps records alive (comparing with neighbours, challenges, pins,
 * scrubbing, upkeep), each at its pace, and answers for it.
 */
import { Clock, Effect, Layer } from "effect"
import { commonPrefixLength } from "#core/dht/distance"
import { Outcomes } from "#core/dht/Outcomes"
import { keyOf } from "#schemas/bytes/bytes"
import { type Cid, cidOfDigest, cidText, codecOf, DAG_CBOR, digestOf, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import { Dht, NotFound } from "#services/dht/Dht"
import { MOST_REPLICAS, OUTCOMES, PINS_PAGE, REPLICATION_FACTOR } from "#services/dht/Limits"
import { Receipts } from "#services/dht/Receipts"
import {
  type ContentProvider,
  type ContentStatus,
  type KeepOptions,
  type ReplicaHealth,
  Replicator
} from "#services/dht/Replicator"
import { RoutingTable } from "#services/dht/RoutingTable"
import * as Schedules from "#services/dht/Schedules"
import { Bounds } from "#services/node/Bounds"
import { type Pin, PinStore } from "#services/storage/PinStore"
import { makeChallenging } from "./challenging.ts"
import { makeNeighbourSync } from "./NeighbourSync.ts"
import { makePinning } from "./pinning.ts"
import { makeScrubbing } from "./scrubbing.ts"
import { startUpkeep } from "./upkeep.ts"

export interface ReplicatorOptions {
  /** Replicas of what is added without a factor, and nodes that hold a key; 5 by default. */
  readonly replicationFactor?: number
  /** Whether it works by itself: compares with neighbours, challenges and refreshes; true by default. */
  readonly replicates?: boolean
  /** Whether this node's announcements are renewed while it runs; true by default. */
  readonly reprovides?: boolean
}

const healthOf = ({ copies, factor }: Pin, local: boolean): ReplicaHealth => {
  if (copies < 0) return "unknown"
  if (copies === 0) return "critical"
  return copies + (local ? 1 : 0) >= factor ? "healthy" : "degraded"
}

const never = (time: number): number | null => (time > 0 ? time : null)

/** Pins over which the average is taken: enough to tell. */
const AVERAGED = 1_024

export const make = Effect.fnUntraced(function* (options: ReplicatorOptions = {}) {
  const { replicates = true, replicationFactor = REPLICATION_FACTOR, reprovides = true } = options
  const [dht, pins, table] = [yield* Dht, yield* PinStore, yield* RoutingTable]
  const receipts = yield* Receipts
  const outcomes = new Outcomes(OUTCOMES)
  yield* (yield* Bounds).watch("peers with known outcomes", OUTCOMES, () => outcomes.size)
  const sync = yield* makeNeighbourSync({ factor: replicationFactor, outcomes, starts: replicates })
  const challenging = yield* makeChallenging(receipts, outcomes)
  const pinning = yield* makePinning
  const scrubbing = yield* makeScrubbing
  const upkeep = yield* startUpkeep((digest) => dht.provide(cidOfDigest(RAW, digest)), reprovides)

  if (replicates) {
    yield* Effect.forkScoped(Effect.schedule(challenging.round, yield* Schedules.ChallengePace))
    yield* Effect.forkScoped(Effect.schedule(pinning.round, yield* Schedules.RefreshPace))
  }
  yield* Effect.forkScoped(Effect.schedule(scrubbing.tick, yield* Schedules.ScrubPace))

  const statusOf = Effect.fnUntraced(function* (pin: Pin) {
    const local = yield* pinning.isLocal(pin.key, pin.tree)
    return {
      cid: cidText(cidOfDigest(pin.tree ? DAG_CBOR : RAW, pin.key)),
      target: pin.factor,
      actual: Math.max(0, pin.copies) + (local ? 1 : 0),
      healthyProviders: Math.max(0, pin.proven),
      lastReprovided: never(pin.refreshed),
      created: pin.created,
      size: pin.size,
      priority: pin.priority,
      health: healthOf(pin, local),
      local
    } satisfies ContentStatus
  })

  const addContent = Effect.fn("HealingReplicator.addContent")(function* (cid: Cid, keep: KeepOptions = {}) {
    const key = digestOf(cid)
    const before = yield* pins.find(RecordKind.Block, key)
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const factor = Math.min(Math.max(Math.trunc(keep.factor ?? replicationFactor), 1), MOST_REPLICAS)
    const pin: Pin = {
      kind: RecordKind.Block,
      key,
      tree: codecOf(cid) === DAG_CBOR,
      factor,
      priority: Math.trunc(keep.priority ?? 0),
      created: before?.created ?? now,
      refreshed: before?.refreshed ?? 0,
      due: now,
      size: before?.size ?? 0,
      copies: before?.copies ?? -1,
      proven: before?.proven ?? -1
    }
    yield* pins.put([pin])
    // What was fetched in part stays pinned: the rest may come back.
    yield* Effect.catchTags(pinning.refresh(pin), {
      PutRefused: ({ refusals }) => Effect.logWarning("no node took what is to be kept", { refusals }),
      InvalidRecord: ({ reason }) => Effect.logWarning("what is to be kept cannot be stored", { reason }),
      StoreFull: () => Effect.logWarning("there is no room here for what is to be kept")
    })
  })

  const findProviders = Effect.fn("HealingReplicator.findProviders")(function* (cid: Cid) {
    const found = yield* dht.findProviders(cid)
    return found
      .map(({ issued, nodeId }): ContentProvider => {
        const known = table.find(keyOf(nodeId))
        const quality = outcomes.quality(keyOf(nodeId)) / (1 + (known?.failures ?? 0))
        const distance = commonPrefixLength(digestOf(cid), nodeId)
        return { peer: nodeId, addedAt: issued, lastSeen: known?.lastSeen ?? null, quality, distance }
      })
      .sort((a, b) => b.quality - a.quality || b.addedAt - a.addedAt)
  })

  /** Of content alone: records are kept, too, but they have no CID. */
  const contentPins = Effect.fnUntraced(function* (limit: number) {
    const found: Array<Pin> = []
    let after: Pin | undefined
    while (found.length < limit) {
      const page = yield* pins.list(after, PINS_PAGE)
      for (const pin of page) if (pin.kind === RecordKind.Block) found.push(pin)
      after = page.at(-1)
      if (page.length < PINS_PAGE || after?.kind !== RecordKind.Block) break
    }
    return found.slice(0, limit)
  })

  const metrics = Effect.gen(function* () {
    const [synced, kept, read] = [sync.totals(), upkeep.totals(), scrubbing.totals()]
    const looked = (yield* contentPins(AVERAGED)).filter((pin) => pin.copies >= 0)
    const copies = looked.reduce((sum, pin) => sum + pin.copies, 0)
    return {
      keys: yield* pins.count,
      providers: yield* upkeep.announcements,
      reprovides: kept.rounds,
      successes: kept.successes,
      failures: kept.failures,
      lastReprovide: kept.last ?? null,
      lastSync: synced.last ?? null,
      lastScrub: read.last ?? null,
      averageReplication: looked.length === 0 ? 0 : copies / looked.length,
      sent: synced.sent,
      fetched: synced.fetched,
      damaged: read.damaged,
      mended: read.mended,
      brokenPromises: challenging.broken()
    }
  })

  return Replicator.of({
    addContent,
    removeContent: (cid) => pins.remove(RecordKind.Block, digestOf(cid)),
    provideContent: (cid) => dht.provide(cid),
    findProviders,
    status: Effect.fnUntraced(function* (cid) {
      const pin = yield* pins.find(RecordKind.Block, digestOf(cid))
      return pin === undefined ? yield* new NotFound({ key: digestOf(cid), asked: 0 }) : yield* statusOf(pin)
    }),
    list: (limit) => Effect.flatMap(contentPins(limit), (found) => Effect.forEach(found, statusOf)),
    metrics,
    syncNow: sync.syncNow,
    scrubNow: scrubbing.all
  })
})

export const layer = (options?: ReplicatorOptions) => Layer.effect(Replicator, make(options))
