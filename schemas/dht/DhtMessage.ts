/**
 * The methods of the DHT (WIRE §6), as they stand behind the id in DHT_REQ and DHT_RES.
 *
 *   1 FindNode      [1, target]                             → [[PeerRecord ≤ 20]]
 *   2 FindValue     [2, kind, key, minSeq, after]           → [[record ≤ 64], [PeerRecord ≤ 20], more]
 *   3 Store         [3, kind, record, ttl s, work nonce]    → [heldSeq, expires]                   of a delegate see below
 *   4 AddProvider   [4, record]                             → as 3
 *   5 GetProviders  [5, key, after]                         → as 2
 *   6 Challenge     [6, kind, key, nonce]                   → [proof]
 *   7 Ranges        [7, radius, [range ≤ 256]]              → [[range ≤ 256], [entry ≤ 400]]      see Ranges.ts
 *
 * A delegate (WIRE §5) adds to the answer of a store how many nodes hold the record, and how many it wanted.
 *
 * `after` is a SHA-256 or empty, the work nonce 8 bytes or empty. Records and PeerRecords are byte strings, views of the
 * message. Elements behind these are a later version's and ignored. Plain functions, being on the path of every lookup.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encodeMessage } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesList, isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { EntryList, entryValues, RangeList, rangeValues, readEntries, readRanges } from "./Ranges.ts"
import { isRecordKind, PEER_RECORD_LIMIT, RECORD_LIMIT, RecordKind, Uint53 } from "./Record.ts"

export const DhtMethod = {
  FindNode: 1,
  FindValue: 2,
  Store: 3,
  AddProvider: 4,
  GetProviders: 5,
  Challenge: 6,
  Ranges: 7
} as const

/** PeerRecords in one answer: a bucket's worth. */
export const PEERS_LIMIT = 20

/** Records in one answer. */
export const RECORDS_LIMIT = 64

export const WORK_NONCE_LENGTH = 8

const Kind = Schema.Literals(Object.values(RecordKind))
const After = Schema.Union([Bytes32, bytesUpTo(0)])
const WorkNonce = Schema.Union([bytesUpTo(0), Schema.Uint8Array.check(Schema.isBetweenLength(8, 8))])
const PeerList = Schema.Array(bytesUpTo(PEER_RECORD_LIMIT)).check(Schema.isMaxLength(PEERS_LIMIT))
const RecordList = Schema.Array(bytesUpTo(RECORD_LIMIT)).check(Schema.isMaxLength(RECORDS_LIMIT))

export const DhtRequest = Schema.Union([
  Schema.TaggedStruct("FindNode", { target: Bytes32 }),
  Schema.TaggedStruct("FindValue", { kind: Kind, key: Bytes32, minSeq: Uint53, after: After }),
  Schema.TaggedStruct("Store", { kind: Kind, record: bytesUpTo(RECORD_LIMIT), ttl: Uint53, work: WorkNonce }),
  Schema.TaggedStruct("AddProvider", { record: bytesUpTo(RECORD_LIMIT) }),
  Schema.TaggedStruct("GetProviders", { key: Bytes32, after: After }),
  Schema.TaggedStruct("Challenge", { kind: Kind, key: Bytes32, nonce: Bytes32 }),
  Schema.TaggedStruct("Ranges", { radius: Bytes32, ranges: RangeList })
])
export type DhtRequest = typeof DhtRequest.Type

/** Of FindNode. */
export const NodesAnswer = Schema.TaggedStruct("Nodes", { peers: PeerList })
export type NodesAnswer = typeof NodesAnswer.Type

/** Of FindValue and GetProviders; `more` says that records above the last were left out. */
export const ValuesAnswer = Schema.TaggedStruct("Values", {
  records: RecordList,
  peers: PeerList,
  more: Schema.Boolean
})
export type ValuesAnswer = typeof ValuesAnswer.Type

/** Of Store and AddProvider; of a delegate with the holders that it reached, and those that it wanted. */
export const StoredAnswer = Schema.TaggedStruct("Stored", {
  heldSeq: Uint53,
  expires: Uint53,
  placed: Schema.optionalKey(Schema.Struct({ reached: Uint53, factor: Uint53 }))
})
export type StoredAnswer = typeof StoredAnswer.Type

/** Of Challenge: a hash that only who has the record can know. */
export const ProofAnswer = Schema.TaggedStruct("Proof", { proof: Bytes32 })
export type ProofAnswer = typeof ProofAnswer.Type

/** Of Ranges: what differs, divided further or named (docs/wire.md, Readings). */
export const DifferencesAnswer = Schema.TaggedStruct("Differences", { ranges: RangeList, entries: EntryList })
export type DifferencesAnswer = typeof DifferencesAnswer.Type

export const DhtAnswer = Schema.Union([NodesAnswer, ValuesAnswer, StoredAnswer, ProofAnswer, DifferencesAnswer])
export type DhtAnswer = typeof DhtAnswer.Type

/** The refusal of `readRequest` for a method that this version does not have. */
export const UNKNOWN_METHOD = "unknown method"

export const readRequest = (bytes: Uint8Array): Result.Result<DhtRequest, string> => {
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const body = decoded.success
  switch (body[0]) {
    case DhtMethod.FindNode: {
      const target = body[1]
      return isBytesOf(target, 32) ? Result.succeed({ _tag: "FindNode", target }) : malformed
    }
    case DhtMethod.FindValue:
      return findValue(body)
    case DhtMethod.Store:
      return store(body)
    case DhtMethod.AddProvider: {
      const record = body[1]
      return isBytesUpTo(record, RECORD_LIMIT) ? Result.succeed({ _tag: "AddProvider", record }) : malformed
    }
    case DhtMethod.GetProviders: {
      const [, key, after] = body
      return isBytesOf(key, 32) && isAfter(after) ? Result.succeed({ _tag: "GetProviders", key, after }) : malformed
    }
    case DhtMethod.Challenge:
      return challenge(body)
    case DhtMethod.Ranges: {
      const radius = body[1]
      const ranges = readRanges(body[2])
      return isBytesOf(radius, 32) && ranges !== undefined
        ? Result.succeed({ _tag: "Ranges", radius, ranges })
        : malformed
    }
    default:
      return unknownMethod
  }
}

export const writeRequest = (request: DhtRequest): Uint8Array => {
  switch (request._tag) {
    case "FindNode":
      return encodeMessage([DhtMethod.FindNode, request.target])
    case "FindValue":
      return encodeMessage([DhtMethod.FindValue, request.kind, request.key, request.minSeq, request.after])
    case "Store":
      return encodeMessage([DhtMethod.Store, request.kind, request.record, request.ttl, request.work])
    case "AddProvider":
      return encodeMessage([DhtMethod.AddProvider, request.record])
    case "GetProviders":
      return encodeMessage([DhtMethod.GetProviders, request.key, request.after])
    case "Challenge":
      return encodeMessage([DhtMethod.Challenge, request.kind, request.key, request.nonce])
    case "Ranges":
      return encodeMessage([DhtMethod.Ranges, request.radius, rangeValues(request.ranges)])
  }
}

/** Of the elements of a body; `read` answers undefined where they are not what they should be. */
const reading =
  <A>(read: (body: ReadonlyArray<CborValue>) => A | undefined) =>
  (bytes: Uint8Array): Result.Result<A, string> => {
    const decoded = decodeArray(bytes)
    if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
    const answer = read(decoded.success)
    return answer === undefined ? malformed : Result.succeed(answer)
  }

export const readNodes = reading<NodesAnswer>((body) => {
  const peers = body[0]
  return isBytesList(peers, PEERS_LIMIT, PEER_RECORD_LIMIT) ? { _tag: "Nodes", peers } : undefined
})

export const readValues = reading<ValuesAnswer>(([records, peers, more]) => {
  if (!isBytesList(records, RECORDS_LIMIT, RECORD_LIMIT)) return undefined
  if (!isBytesList(peers, PEERS_LIMIT, PEER_RECORD_LIMIT) || typeof more !== "boolean") return undefined
  return { _tag: "Values", records, peers, more }
})

export const readStored = reading<StoredAnswer>(([heldSeq, expires, reached, factor]) => {
  if (!isUint(heldSeq) || !isUint(expires)) return undefined
  const placed = isUint(reached) && isUint(factor) ? { placed: { reached, factor } } : undefined
  return { _tag: "Stored", heldSeq, expires, ...placed }
})

export const readProof = reading<ProofAnswer>(([proof]) =>
  isBytesOf(proof, 32) ? { _tag: "Proof", proof } : undefined
)

export const readDifferences = reading<DifferencesAnswer>((body) => {
  const [ranges, entries] = [readRanges(body[0]), readEntries(body[1])]
  return ranges !== undefined && entries !== undefined ? { _tag: "Differences", ranges, entries } : undefined
})

const answerReaders: Record<DhtRequest["_tag"], (body: Uint8Array) => Result.Result<DhtAnswer, string>> = {
  FindNode: readNodes,
  FindValue: readValues,
  Store: readStored,
  AddProvider: readStored,
  GetProviders: readValues,
  Challenge: readProof,
  Ranges: readDifferences
}

/** The reader of what an answer must be, by the request's method. */
export const answerReaderOf = (method: DhtRequest["_tag"]) => answerReaders[method]

export const writeAnswer = (answer: DhtAnswer): Uint8Array => {
  switch (answer._tag) {
    case "Nodes":
      return encodeMessage([answer.peers])
    case "Values":
      return encodeMessage([answer.records, answer.peers, answer.more])
    case "Stored":
      return encodeMessage(
        answer.placed === undefined
          ? [answer.heldSeq, answer.expires]
          : [answer.heldSeq, answer.expires, answer.placed.reached, answer.placed.factor]
      )
    case "Proof":
      return encodeMessage([answer.proof])
    case "Differences":
      return encodeMessage([rangeValues(answer.ranges), entryValues(answer.entries)])
  }
}

export const DhtRequestFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(DhtRequest, transformation(readRequest, writeRequest))
)

const malformed = Result.fail("malformed message")
const unknownMethod = Result.fail(UNKNOWN_METHOD)

const isAfter = (value: CborValue | undefined): value is Uint8Array =>
  value instanceof Uint8Array && (value.length === 32 || value.length === 0)

const isWork = (value: CborValue | undefined): value is Uint8Array =>
  value instanceof Uint8Array && (value.length === WORK_NONCE_LENGTH || value.length === 0)

const findValue = (body: ReadonlyArray<CborValue>): Result.Result<DhtRequest, string> => {
  const [, kind, key, minSeq, after] = body
  if (typeof kind !== "number" || !isRecordKind(kind)) return malformed
  if (!isBytesOf(key, 32) || !isUint(minSeq) || !isAfter(after)) return malformed
  return Result.succeed({ _tag: "FindValue", kind, key, minSeq, after })
}

const store = (body: ReadonlyArray<CborValue>): Result.Result<DhtRequest, string> => {
  const [, kind, record, ttl, work] = body
  if (typeof kind !== "number" || !isRecordKind(kind)) return malformed
  if (!isBytesUpTo(record, RECORD_LIMIT) || !isUint(ttl) || !isWork(work)) return malformed
  return Result.succeed({ _tag: "Store", kind, record, ttl, work })
}

const challenge = (body: ReadonlyArray<CborValue>): Result.Result<DhtRequest, string> => {
  const [, kind, key, nonce] = body
  if (typeof kind !== "number" || !isRecordKind(kind)) return malformed
  if (!isBytesOf(key, 32) || !isBytesOf(nonce, 32)) return malformed
  return Result.succeed({ _tag: "Challenge", kind, key, nonce })
}
