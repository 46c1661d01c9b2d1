/**
 * Refreshes what this node wants kept, before it dies: single records, and trees block by block. What is missing here is
 * fetched; what is here is stored again where it belongs by now. Of a tree no more is in memory than one node a level.
 */
import { Clock, Duration, Effect, Result, Semaphore } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { codecOf, DAG_CBOR, digestOf } from "#schemas/content/Cid"
import { read as readNode } from "#schemas/content/DagNode"
import { RecordKind, WEEK_LIFETIME } from "#schemas/dht/Record"
import { Dht, NotFound, type PutReceipt } from "#services/dht/Dht"
import { PINS_PAGE, REFRESHES } from "#services/dht/Limits"
import { refreshes } from "#services/dht/Metrics"
import { RefreshAgain } from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { type Pin, PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"
import { metricsBy } from "./metricsBy.ts"

/** What came of storing one pin again. */
interface Refreshed {
  /** The fewest copies on other nodes that any of its records has. */
  copies: number
  /** Unix seconds: when the first of them dies. */
  expires: number
  bytes: number
}

export const makePinning = Effect.gen(function* () {
  const [dht, pins, records] = [yield* Dht, yield* PinStore, yield* RecordStore]
  const { nodeId } = yield* Identity
  const again = Duration.toSeconds(yield* RefreshAgain)
  const clock = yield* Clock.Clock
  const atOnce = yield* Semaphore.make(REFRESHES)
  const count = yield* metricsBy(refreshes)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const tally = (refreshed: Refreshed, receipt: PutReceipt, bytes: number): void => {
    const others = receipt.holders.filter((holder) => keyOf(holder) !== keyOf(nodeId)).length
    refreshed.copies = Math.min(refreshed.copies, others)
    refreshed.expires = Math.min(refreshed.expires, receipt.expires)
    refreshed.bytes += bytes
  }

  /** From this node's store or from the network; back come its bytes. */
  const storeBlock = (digest: Uint8Array, pin: Pin, refreshed: Refreshed, isLeaf: boolean) =>
    Semaphore.withPermit(
      atOnce,
      Effect.gen(function* () {
        const block = yield* dht.getBlock(digest)
        const receipt = yield* dht.putBlock(block, { factor: pin.factor, keep: false })
        tally(refreshed, receipt, isLeaf ? block.length : 0)
        return block
      })
    )

  const storeTree = Effect.fnUntraced(function* (
    digest: Uint8Array,
    pin: Pin,
    refreshed: Refreshed
  ): Effect.fn.Return<void, Effect.Error<ReturnType<typeof storeBlock>>> {
    const node = Result.getOrUndefined(readNode(yield* storeBlock(digest, pin, refreshed, false)))
    const children = node?.children ?? []
    const leaves = children.filter(({ cid }) => codecOf(cid) !== DAG_CBOR)
    const store = (cid: (typeof leaves)[number]["cid"]) => storeBlock(digestOf(cid), pin, refreshed, true)
    yield* Effect.forEach(leaves, ({ cid }) => store(cid), { concurrency: REFRESHES, discard: true })
    for (const { cid } of children) if (codecOf(cid) === DAG_CBOR) yield* storeTree(digestOf(cid), pin, refreshed)
  })

  /** A record that is not here any more may be somewhere. */
  const storeRecord = Effect.fnUntraced(function* (pin: Pin, refreshed: Refreshed) {
    const { factor, key, kind } = pin
    const options = { factor, keep: false }
    const here = yield* Effect.catchTag(dht.refresh(kind, key, options), "NotFound", () => Effect.succeed(undefined))
    if (here !== undefined) return tally(refreshed, here, pin.size)
    const found = yield* dht.getRecords(kind, key)
    if (found.length === 0) return yield* new NotFound({ key, asked: 0 })
    for (const { bytes } of found) tally(refreshed, yield* dht.putRecord(kind, bytes, options), bytes.length)
  })

  const store = (pin: Pin, refreshed: Refreshed) => {
    if (pin.kind !== RecordKind.Block) return storeRecord(pin, refreshed)
    return pin.tree ? storeTree(pin.key, pin, refreshed) : storeBlock(pin.key, pin, refreshed, true)
  }

  /** Stores all of it again and notes when it is due next: at half of its life, or soon where it did not succeed. */
  const refresh = (pin: Pin) =>
    Effect.suspend(() => {
      const refreshed: Refreshed = { copies: Number.POSITIVE_INFINITY, expires: Number.POSITIVE_INFINITY, bytes: 0 }
      return Effect.asVoid(store(pin, refreshed)).pipe(
        Effect.onExit((exit) => {
          const now = seconds()
          const succeeded = exit._tag === "Success"
          count(succeeded ? "ok" : "failed")
          const life = Number.isFinite(refreshed.expires) ? refreshed.expires - now : WEEK_LIFETIME
          const fresh: Pin = succeeded
            ? {
                ...pin,
                refreshed: now,
                due: now + Math.max(1, Math.floor(life / 2)),
                size: refreshed.bytes,
                copies: Number.isFinite(refreshed.copies) ? refreshed.copies : pin.copies
              }
            : // What nobody has had for long is looked for ever more rarely.
              { ...pin, due: now + Math.max(again, Math.floor((now - Math.max(pin.refreshed, pin.created)) / 8)) }
          // Whoever removed it meanwhile does not want it back.
          return Effect.flatMap(pins.find(pin.kind, pin.key), (still) =>
            still === undefined ? Effect.void : pins.put([{ ...fresh, factor: still.factor, priority: still.priority }])
          ).pipe(Effect.catch((error) => Effect.logWarning("a pin could not be written", error)))
        })
      )
    })

  /** All that are due, most wanted first. */
  const round = Effect.gen(function* () {
    const began = seconds()
    for (;;) {
      const due = yield* pins.due(began, PINS_PAGE)
      for (const pin of due) {
        yield* Effect.catch(refresh(pin), (error) =>
          Effect.logWarning("what is pinned could not be refreshed", error).pipe(
            Effect.annotateLogs({ kind: pin.kind, again })
          )
        )
      }
      if (due.length < PINS_PAGE) return
    }
  }).pipe(Effect.catch((error) => Effect.logWarning("the pins could not be read", error)))

  const isHere = (digest: Uint8Array) =>
    Effect.map(records.list({ from: digest, to: digest }, 1), ([row]) => row?.kind === RecordKind.Block)

  /** Whether every block of it lies in this node's store. Reads the nodes of the tree, and no leaf. */
  const isLocal = (
    digest: Uint8Array,
    tree: boolean
  ): Effect.Effect<boolean, Effect.Error<ReturnType<typeof isHere>>> =>
    Effect.gen(function* () {
      if (!tree) return yield* isHere(digest)
      const [row] = yield* records.get(RecordKind.Block, digest)
      const node = row === undefined ? undefined : Result.getOrUndefined(readNode(row.bytes))
      if (node === undefined) return false
      for (const { cid } of node.children) {
        if (!(yield* isLocal(digestOf(cid), codecOf(cid) === DAG_CBOR))) return false
      }
      return true
    })

  return { refresh, round, isLocal }
})
