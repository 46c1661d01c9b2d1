/**
 * Brings what this node holds to the nodes that are closest to its key now, so that it outlives those that held it. What
 * has no times is given a new life; what this node itself signed is signed anew; what others signed lives as long as they
 * said.
 */
import { Clock, Effect, Result } from "effect"
import { type Signer, signAnnouncement, signMutable, signName, signProvider } from "#core/dht/signRecord"
import { equalBytes } from "#schemas/bytes/bytes"
import * as Announcement from "#schemas/dht/Announcement"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import * as Provider from "#schemas/dht/Provider"
import { isRecordKind, lifetimeOf as lifetimeOfKind, RecordKind } from "#schemas/dht/Record"
import { type Dht, NotFound, type PutOptions, type PutReceipt } from "#services/dht/Dht"
import { RecordValidators } from "#services/dht/RecordValidators"
import { Identity } from "#services/identity/Identity"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { isDamage, refusalOf } from "./damage.ts"
import { lifetimeOf, type Sender } from "./sending.ts"
import type { Draft, Writing } from "./writing.ts"

/** What this node says again as it said it last; undefined for what it did not say, or has taken back. */
const againOf = (signer: Signer, kind: RecordKind, bytes: Uint8Array, options: PutOptions): Draft | undefined => {
  const own = signer.signing.publicKey
  const draft = <R extends { readonly issued: number; readonly expires: number }>(
    read: Result.Result<R, string>,
    authorOf: (record: R) => Uint8Array,
    sign: (record: R, times: { seq: number; issued: number; expires: number }) => Uint8Array
  ): Draft | undefined => {
    if (Result.isFailure(read) || !equalBytes(authorOf(read.success), own)) return undefined
    const record = read.success
    const lifetime = lifetimeOf(options, record.expires - record.issued)
    return { lifetime, deletes: false, sign: (times) => sign(record, times) }
  }
  switch (kind) {
    case RecordKind.Mutable: {
      const sign = ({ salt, value }: Mutable.MutableFields, times: Parameters<Draft["sign"]>[0]) =>
        signMutable(signer, { salt, value, ...times })
      const read = Result.filterOrFail(
        Mutable.read(bytes),
        (it) => !Mutable.isDeletion(it),
        () => "deleted"
      )
      return draft(read, ({ author }) => author, sign)
    }
    case RecordKind.Name: {
      const sign = ({ authority, digest, grants, value }: Name.NameFields, times: Parameters<Draft["sign"]>[0]) =>
        signName(signer, { authority, digest, value, grants, ...times })
      const read = Result.filterOrFail(
        Name.read(bytes),
        (it) => !Name.isDeletion(it),
        () => "deleted"
      )
      return draft(read, ({ author }) => author, sign)
    }
    case RecordKind.Provider:
      return draft(
        Provider.read(bytes),
        ({ node }) => node,
        ({ key }, { expires, issued }) => signProvider(signer, { key, issued, expires })
      )
    case RecordKind.Announcement:
      return draft(
        Announcement.read(bytes),
        ({ node }) => node,
        ({ authority, grants, name }, { expires, issued }) =>
          signAnnouncement(signer, { authority, name, grants, issued, expires })
      )
    default:
      return undefined
  }
}

export const makeRefresher = Effect.fnUntraced(function* (sender: Sender, writing: Writing) {
  const { networkId, publicKey, signing } = yield* Identity
  const signer: Signer = { networkId, signing }
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
    const most = Math.min(lifetimeOfKind(kind), (parsed?.expires ?? Number.POSITIVE_INFINITY) - seconds())
    return yield* sender.send({ kind, key: row.key, bytes: row.bytes, lifetime: lifetimeOf(options, most) }, options)
  })

  const again = Effect.fnUntraced(function* (kind: RecordKind, row: StoredRecord, options: PutOptions) {
    if (againOf(signer, kind, row.bytes, options) === undefined) return yield* asItIs(kind, row, options)
    const place = { kind, key: row.key, member: row.member }
    const version = yield* writing.nextVersion(place, (last) =>
      last === undefined ? undefined : againOf(signer, kind, last, options)
    )
    // It was taken back in this very moment.
    if (version === undefined) return yield* asItIs(kind, row, options)
    return yield* sender.finish(version.outgoing, version.here, options)
  })

  const refresh: Dht["Service"]["refresh"] = Effect.fn("KademliaDht.refresh")(function* (kind, key, options = {}) {
    const notFound = new NotFound({ key, asked: 0 })
    if (!isRecordKind(kind)) return yield* notFound
    const wanted = { ...options, keep: options.keep ?? false }
    const sound = yield* sender.directly(wanted, soundUnder(kind, key))
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
