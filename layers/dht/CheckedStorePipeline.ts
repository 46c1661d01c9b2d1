/**
 * The store pipeline, in the order of DESIGN.md §6: parse, admission, locality, the key (which follows from the value),
 * comparison with what is held, signature and validators, quota, write. The comparison runs on what is not yet
 * verified: it may refuse, never accept.
 */
import { Clock, Effect, Layer, Result, Semaphore } from "effect"
import { compareVersions, keepUntil, makeRoom } from "#core/dht/storeDecision"
import type { Contact } from "#core/identity/Contact"
import { equalBytes } from "#schemas/bytes/bytes"
import { isRecordKind, lifetimeOf, RecordKind, SET_LIMITS } from "#schemas/dht/Record"
import { NODES_OF_PREFIX, PREFIXES, STORING_PEERS } from "#services/dht/Limits"
import { type CheckedRecord, RecordValidators, type Refusal } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { RecordRefused, StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { Admission } from "./Admission.ts"

/** Stores under one key go one after the other, or an older record could slip in behind a newer one. */
const STRIPES = 64

const refuse = (refusal: Refusal, closer: ReadonlyArray<Contact> = []) =>
  new RecordRefused({ refusal, closer: closer.map((contact) => contact.bytes) })

/** What a record that is offered meets: its own earlier version, an entry that makes room, nothing, or a refusal. */
type Verdict =
  | { readonly _tag: "Replaces"; readonly before: StoredRecord; readonly same: boolean }
  | { readonly _tag: "Joins"; readonly leaving: StoredRecord | undefined }
  | { readonly _tag: "Refused"; readonly refusal: Refusal }

export const make = Effect.gen(function* () {
  const suite = yield* Crypto
  const { local, nodeId } = yield* Identity
  const validators = yield* RecordValidators
  const table = yield* RoutingTable
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const admission = new Admission(records.usage, !local)
  const bounds = yield* Bounds
  yield* bounds.watch("storing peers", STORING_PEERS, () => admission.peers)
  yield* bounds.watch("storing networks", PREFIXES, () => admission.networks)
  yield* bounds.watch("storing peers of a network", NODES_OF_PREFIX, () => admission.mostOfNetwork())
  const stripes: Array<Semaphore.Semaphore | undefined> = []
  const stripeOf = (key: Uint8Array): Semaphore.Semaphore => {
    const at = (key[0] ?? 0) % STRIPES
    return (stripes[at] ??= Semaphore.makeUnsafe(1))
  }

  const judge = (offered: CheckedRecord, expires: number, held: ReadonlyArray<StoredRecord>): Verdict => {
    const before = held.find((it) => equalBytes(it.member, offered.member))
    if (before !== undefined) {
      const comparison = compareVersions(before, offered, suite.sha256)
      return comparison === "Newer" || comparison === "Same"
        ? { _tag: "Replaces", before, same: comparison === "Same" }
        : { _tag: "Refused", refusal: comparison }
    }
    const limit = isRecordKind(offered.kind) ? (SET_LIMITS[offered.kind] ?? 1) : 1
    const leaving = makeRoom(held, { member: offered.member, expires }, limit)
    return leaving === "Full" ? { _tag: "Refused", refusal: "Quota" } : { _tag: "Joins", leaving }
  }

  const write = Effect.fnUntraced(
    function* (checked: CheckedRecord, ttl: number | undefined, from: Contact | undefined, now: number) {
      const kindLimit = isRecordKind(checked.kind) ? lifetimeOf(checked.kind) : 0
      const expires = keepUntil(now, ttl ?? kindLimit, kindLimit, checked.expires)
      if (expires <= now) return yield* refuse("Expired")
      const held = yield* records.get(checked.kind, checked.key)
      const verdict = judge(checked, expires, held)
      if (verdict._tag === "Refused") return yield* refuse(verdict.refusal)
      // The same record again only lives on, for the longest that was asked.
      if (verdict._tag === "Replaces" && verdict.same && verdict.before.expires >= expires) {
        return { key: checked.key, seq: checked.seq, expires: verdict.before.expires }
      }
      const verified = validators.verify(checked, now)
      if (Result.isFailure(verified)) return yield* refuse(verified.failure)
      if (from !== undefined && !(yield* admission.hasQuota(from, checked.bytes.length))) return yield* refuse("Quota")
      const leaving = verdict._tag === "Joins" ? verdict.leaving : undefined
      if (leaving !== undefined) yield* records.remove(leaving.kind, leaving.key, leaving.member)
      const { key, kind, member, seq, bytes } = checked
      yield* records.put([{ key, kind, member, seq, expires, storedBy: from?.nodeId ?? nodeId, bytes }])
      return { key, seq, expires }
    },
    Effect.catchTag("StoreFull", () => refuse("Quota"))
  )

  return StorePipeline.of({
    store: (kind, bytes, ttl, from) =>
      Effect.suspend(() => {
        const millis = clock.currentTimeMillisUnsafe()
        const now = Math.floor(millis / 1000)
        const parsed = validators.parse(kind, bytes, now)
        if (Result.isFailure(parsed)) return Effect.fail(refuse(parsed.failure))
        const checked = parsed.success
        if (from !== undefined) {
          if (!admission.withinRate(from, millis)) return Effect.fail(refuse("Busy"))
          if (!table.isClose(checked.key)) return Effect.fail(refuse("NotClosest", table.shareable(checked.key)))
        }
        const writing = write(checked, ttl, from, now)
        if (kind === RecordKind.Block) return writing
        return Semaphore.withPermit(stripeOf(checked.key), writing)
      })
  })
})

export const layer = Layer.effect(StorePipeline, make)
