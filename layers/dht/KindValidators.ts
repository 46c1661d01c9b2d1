/**
 * The rules of the record kinds: form, times, grants and signatures for all of WIRE.md §6. Kinds 5 to 9 belong to
 * channels and inboxes; until those register their rules they are refused as unknown, so that nobody's disk holds what
 * nobody can judge.
 */
import { Effect, Layer, Result } from "effect"
import { type Facts, factsOf } from "#core/dht/facts"
import { areSigned, standingOf } from "#core/dht/grants"
import { CLOCK_SKEW } from "#core/identity/PeerBook"
import type { Suite } from "#core/identity/Suite"
import { verifyRecord } from "#core/identity/signature"
import { keyOf } from "#schemas/bytes/bytes"
import { BLOCK_LIMIT, isRecordKind, labelOf, lifetimeRefusal, RECORD_LIMIT, RecordKind } from "#schemas/dht/Record"
import { WORK_BITS } from "#schemas/dht/Work"
import { VERIFIED_RECORDS } from "#services/dht/Limits"
import { type CheckedRecord, RecordValidators, type Refusal, type Validator } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"

/** Those that every node can judge; the others wait for somebody's rules. */
const KNOWN = new Set<number>([
  RecordKind.Block,
  RecordKind.Mutable,
  RecordKind.Provider,
  RecordKind.Peer,
  RecordKind.Announcement,
  RecordKind.Name
])

const ALONE = new Uint8Array(0)

const refuse = (refusal: Refusal) => Result.fail(refusal)

/** Of one network: whose signatures count. */
export const makeFor = Effect.fnUntraced(function* (suite: Suite, networkId: Uint8Array) {
  const further = new Map<number, ReadonlyArray<Validator>>()
  /** Digests of records whose signature was good, oldest first. */
  const verified = new Set<string>()

  yield* (yield* Bounds).watch("verified records", VERIFIED_RECORDS, () => verified.size)

  const isJudged = (kind: number): kind is RecordKind =>
    KNOWN.has(kind) || (isRecordKind(kind) && (further.get(kind)?.length ?? 0) > 0)

  const parseBlock = (bytes: Uint8Array): Result.Result<CheckedRecord, Refusal> => {
    if (bytes.length > BLOCK_LIMIT) return refuse("TooLong")
    const lone = { member: ALONE, seq: 0, limit: 1, rank: 0 }
    return Result.succeed({ ...lone, kind: RecordKind.Block, key: suite.sha256(bytes), expires: undefined, bytes })
  }

  const timeRefusal = (kind: RecordKind, { times }: Facts, now: number): Refusal | undefined => {
    if (times === undefined) return undefined
    if (lifetimeRefusal(kind, times.issued, times.expires) !== undefined) return "Malformed"
    if (times.issued > now + CLOCK_SKEW) return "Premature"
    return times.expires <= now ? "Expired" : undefined
  }

  const parse = (kind: number, bytes: Uint8Array, now: number): Result.Result<CheckedRecord, Refusal> => {
    if (!isJudged(kind)) return refuse("UnknownKind")
    if (kind === RecordKind.Block) return parseBlock(bytes)
    if (bytes.length > RECORD_LIMIT) return refuse("TooLong")
    const read = factsOf(suite, kind, bytes)
    if (Result.isFailure(read)) return refuse("Malformed")
    const facts = read.success
    const untimely = timeRefusal(kind, facts, now)
    if (untimely !== undefined) return refuse(untimely)
    if (facts.bits !== undefined && facts.bits < WORK_BITS) return refuse("WorkRequired")
    const standing = facts.claim === undefined ? undefined : standingOf(facts.claim, now)
    if (standing !== undefined && Result.isFailure(standing)) return refuse(standing.failure)
    const { key, limit, member, rank, seq } = facts
    const until = facts.times?.expires ?? Number.POSITIVE_INFINITY
    // A record is worth no more than the grants that it came by; but what takes something back stays as long as it says.
    const expires = facts.deletes === true ? until : Math.min(until, standing?.success.expires ?? until)
    return Result.succeed({
      kind,
      key,
      member,
      seq,
      expires: Number.isFinite(expires) ? expires : undefined,
      limit,
      rank,
      bytes
    })
  }

  const hasSignatures = (kind: RecordKind, bytes: Uint8Array): boolean => {
    const facts = factsOf(suite, kind, bytes)
    if (Result.isFailure(facts)) return false
    const { claim, signed } = facts.success
    const label = labelOf(kind)
    if (signed === undefined) return label === undefined
    return (
      label !== undefined &&
      verifyRecord(suite, label, networkId, signed.by, bytes, signed.index) &&
      areSigned(suite, networkId, claim?.grants ?? [])
    )
  }

  const isSigned = (kind: number, bytes: Uint8Array): boolean => {
    if (!isJudged(kind)) return false
    const digest = keyOf(suite.sha256(bytes))
    if (verified.has(digest)) return true
    if (!hasSignatures(kind, bytes)) return false
    if (verified.size >= VERIFIED_RECORDS) verified.delete(verified.values().next().value ?? "")
    verified.add(digest)
    return true
  }

  return RecordValidators.of({
    parse,
    verify: (record, now) => {
      if (record.kind !== RecordKind.Block && !isSigned(record.kind, record.bytes)) return refuse("BadSignature")
      for (const validator of further.get(record.kind) ?? []) {
        if (Result.isFailure(validator(record, now))) return refuse("Invalid")
      }
      return Result.void
    },
    register: (kind, validator) =>
      Effect.acquireRelease(
        Effect.sync(() => void further.set(kind, [...(further.get(kind) ?? []), validator])),
        () =>
          Effect.sync(() => {
            const others = (further.get(kind) ?? []).filter((other) => other !== validator)
            further.set(kind, others)
          })
      )
  })
})

export const make = Effect.gen(function* () {
  const { networkId } = yield* Identity
  return yield* makeFor(yield* Crypto, networkId)
})

export const layer = Layer.effect(RecordValidators, make)
