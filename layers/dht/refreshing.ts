/**
 * Brings what this node holds to the nodes that are closest to its key now, so that it outlives those that held it. What
 * has no times is given a new life; what this node itself signed is signed anew; what others signed lives as long as they
 * said.
 */
import { Clock, Effect, Result } from "effect"
import { signAgain } from "#core/dht/signAgain"
import { equalBytes } from "#schemas/bytes/bytes"
import { isRecordKind, lifetimeOf, type RecordKind } from "#schemas/dht/Record"
import { type Dht, NotFound, PrivacyUnavailable, type PutOptions, type PutReceipt } from "#services/dht/Dht"
import { RecordValidators } from "#services/dht/RecordValidators"
import { Identity } from "#services/identity/Identity"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { isDamage, refusalOf } from "./damage.ts"
import { lifetimeFor } from "./putOptions.ts"
import type { Sender } from "./sending.ts"
import type { Draft, Writing } from "./writing.ts"

const OPEN = "what is held here is known to be: only what is put anonymously is"

export const makeRefresher = Effect.fnUntraced(function* (sender: Sender, writing: Writing) {
  const { networkId, publicKey, signing } = yield* Identity
  const signer = { networkId, signing }
  const validators = yield* RecordValidators
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  /** Sound ones; what the disk has spoiled leaves it. */
  const soundUnder = Effect.fnUntraced(function* (kind: RecordKind, key: Uint8Array) {
    const sound: Array<StoredRecord> = []
    for (const row of yield* records.get(kind, key)) {
      const refusal = refusalOf(validators, row, seconds())
      if (refusal === undefined) sound.push(row)
      if (isDamage(refusal)) yield* records.remove(row.kind, row.key, row.member)
    }
    return sound
  })

  const asItIs = Effect.fnUntraced(function* (kind: RecordKind, row: StoredRecord, options: PutOptions) {
    const parsed = Result.getOrUndefined(validators.parse(kind, row.bytes, seconds()))
    const most = Math.min(lifetimeOf(kind), (parsed?.expires ?? Number.POSITIVE_INFINITY) - seconds())
    return yield* sender.send({ kind, key: row.key, bytes: row.bytes, lifetime: lifetimeFor(options, most) }, options)
  })

  const draftOf = (kind: RecordKind, last: Uint8Array | undefined, options: PutOptions): Draft | undefined => {
    const again = last === undefined ? undefined : signAgain(signer, kind, last)
    return again && { lifetime: lifetimeFor(options, again.lifetime), deletes: false, sign: again.sign }
  }

  const again = Effect.fnUntraced(function* (kind: RecordKind, row: StoredRecord, options: PutOptions) {
    if (draftOf(kind, row.bytes, options) === undefined) return yield* asItIs(kind, row, options)
    const place = { kind, key: row.key, member: row.member }
    const version = yield* writing.nextVersion(place, (last) => draftOf(kind, last, options))
    // Where there is none, it was taken back in this very moment.
    return version === undefined
      ? yield* asItIs(kind, row, options)
      : yield* sender.finish(version.outgoing, version.here, options)
  })

  const refresh: Dht["Service"]["refresh"] = Effect.fn("KademliaDht.refresh")(function* (kind, key, options = {}) {
    const notFound = new NotFound({ key, asked: 0 })
    if (!isRecordKind(kind)) return yield* notFound
    const wanted = { ...options, keep: options.keep ?? false }
    if (options.privacy === "anonymous") return yield* new PrivacyUnavailable({ reason: OPEN })
    const sound = yield* soundUnder(kind, key)
    // Of a set the own entry is this node's concern; where it has none, all of them are.
    const own = sound.filter(({ member }) => equalBytes(member, publicKey))
    let least: PutReceipt | undefined
    for (const row of own.length > 0 ? own : sound) {
      const receipt = yield* again(kind, row, wanted)
      if (least === undefined || receipt.reached < least.reached) least = receipt
    }
    return least ?? (yield* notFound)
  })

  return refresh
})
