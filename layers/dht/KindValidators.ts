/**
 * The rules of the record kinds that this version knows: blocks, mutable records, providers, PeerRecords. The further
 * kinds of WIRE.md §6 are refused as unknown, so that nobody's disk holds what nobody can check.
 */
import { Effect, Layer, Result } from "effect"
import { CLOCK_SKEW } from "#core/identity/PeerBook"
import type { Suite } from "#core/identity/Suite"
import { verifyRecord } from "#core/identity/signature"
import { keyOf } from "#schemas/bytes/bytes"
import * as Mutable from "#schemas/dht/Mutable"
import * as Provider from "#schemas/dht/Provider"
import { BLOCK_LIMIT, isRecordKind, labelOf, lifetimeRefusal, RECORD_LIMIT, RecordKind } from "#schemas/dht/Record"
import * as PeerRecord from "#schemas/identity/PeerRecord"
import { VERIFIED_RECORDS } from "#services/dht/Limits"
import { type CheckedRecord, RecordValidators, type Refusal, type Validator } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"

/** What a kind's reader found, before times are judged. */
interface Parsed {
  readonly key: Uint8Array
  readonly member: Uint8Array
  readonly seq: number
  readonly issued: number
  readonly expires: number
  readonly signer: Uint8Array
  readonly signatureIndex: number
}

type Reader = (suite: Suite, bytes: Uint8Array) => Result.Result<Parsed, string>

const ALONE = new Uint8Array(0)

const readers: Partial<Record<number, Reader>> = {
  [RecordKind.Mutable]: (suite, bytes) =>
    Result.map(Mutable.read(bytes), ({ author, expires, issued, salt, seq }) => ({
      key: suite.sha256(Mutable.keyPreimage(author, salt)),
      member: ALONE,
      seq,
      issued,
      expires,
      signer: author,
      signatureIndex: Mutable.SIGNATURE_INDEX
    })),
  // of two announcements of one node the later counts, so the time stands in for a seq
  [RecordKind.Provider]: (_suite, bytes) =>
    Result.map(Provider.read(bytes), ({ expires, issued, key, node }) => ({
      key,
      member: node,
      seq: issued,
      issued,
      expires,
      signer: node,
      signatureIndex: Provider.SIGNATURE_INDEX
    })),
  [RecordKind.Peer]: (suite, bytes) =>
    Result.map(PeerRecord.read(bytes), ({ expires, issued, publicKey, seq }) => ({
      key: suite.sha256(publicKey),
      member: ALONE,
      seq,
      issued,
      expires,
      signer: publicKey,
      signatureIndex: PeerRecord.SIGNATURE_INDEX
    }))
}

const refuse = (refusal: Refusal) => Result.fail(refusal)

export const make = Effect.gen(function* () {
  const suite = yield* Crypto
  const { networkId } = yield* Identity
  const further = new Map<number, ReadonlyArray<Validator>>()
  /** Digests of records whose signature was good, oldest first. */
  const verified = new Set<string>()

  yield* (yield* Bounds).watch("verified records", VERIFIED_RECORDS, () => verified.size)

  const parse = (kind: number, bytes: Uint8Array, now: number): Result.Result<CheckedRecord, Refusal> => {
    if (kind === RecordKind.Block) {
      if (bytes.length > BLOCK_LIMIT) return refuse("TooLong")
      return Result.succeed({ kind, key: suite.sha256(bytes), member: ALONE, seq: 0, expires: undefined, bytes })
    }
    const reader = readers[kind]
    if (reader === undefined || !isRecordKind(kind)) return refuse("UnknownKind")
    if (bytes.length > RECORD_LIMIT) return refuse("TooLong")
    const parsed = reader(suite, bytes)
    if (Result.isFailure(parsed)) return refuse("Malformed")
    const { expires, issued, key, member, seq } = parsed.success
    if (lifetimeRefusal(kind, issued, expires) !== undefined || issued > now + CLOCK_SKEW) return refuse("Malformed")
    if (expires <= now) return refuse("Expired")
    return Result.succeed({ kind, key, member, seq, expires, bytes })
  }

  const isSigned = (kind: number, bytes: Uint8Array): boolean => {
    const reader = readers[kind]
    const label = isRecordKind(kind) ? labelOf(kind) : undefined
    if (reader === undefined || label === undefined) return false
    const digest = keyOf(suite.sha256(bytes))
    if (verified.has(digest)) return true
    const parsed = reader(suite, bytes)
    if (Result.isFailure(parsed)) return false
    const { signatureIndex, signer } = parsed.success
    if (!verifyRecord(suite, label, networkId, signer, bytes, signatureIndex)) return false
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

export const layer = Layer.effect(RecordValidators, make)
