/** Delegates by onion routes: what is asked of them, how many have to agree, and what is made of their answers. */
import { Clock, Effect, Layer, Result } from "effect"
import { MergedSet } from "#core/dht/MergedSet"
import { nodeIdOf } from "#core/identity/signature"
import { compareBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { DhtRequest, ValuesAnswer } from "#schemas/dht/DhtMessage"
import { RecordKind, SET_LIMITS } from "#schemas/dht/Record"
import { WORK_BITS, WORK_BITS_LIMIT } from "#schemas/dht/Work"
import type { NodeId } from "#schemas/identity/NodeId"
import { read as readPeerRecord } from "#schemas/identity/PeerRecord"
import { TOO_LARGE, WORK_REQUIRED } from "#schemas/rpc/RpcFailure"
import { type AnonymousFinds, type AnonymousPut, type AnonymousReceipt, Delegates } from "#services/dht/Delegates"
import { PrivacyUnavailable, PutRefused } from "#services/dht/Dht"
import {
  ANONYMOUS_LIFETIME,
  BLOCK_ANSWER,
  DELEGATES_AGREEING,
  LARGE_ANSWER,
  LOOKED_FOR,
  MOST_REPLICAS,
  SMALL_ANSWER
} from "#services/dht/Limits"
import type { CheckedRecord } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { makeChecker } from "./checking.ts"
import { Errand, makeDelegating, type Said } from "./delegating.ts"
import { makeWorker } from "./working.ts"

const NOTHING = new Uint8Array(0)

const requestFor = (kind: RecordKind, key: Uint8Array, after: Uint8Array): DhtRequest =>
  kind === RecordKind.Provider
    ? { _tag: "GetProviders", key, after }
    : { _tag: "FindValue", kind, key, minSeq: 0, after }

export const make = Effect.gen(function* () {
  const [suite, peers, clock] = [yield* Crypto, yield* KnownPeers, yield* Clock.Clock]
  const { again, doubt, next } = yield* makeDelegating
  const { judgeAll } = yield* makeChecker
  const workOn = yield* makeWorker
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const unavailable = (errand: Errand) =>
    new PrivacyUnavailable({
      reason: errand.trouble === "" ? "nobody was left to be asked: try again later" : errand.trouble
    })

  /** Of one answer what is sound; undefined where it is no answer to this. */
  const soundOf = (kind: RecordKind, key: Uint8Array, said: Said, { records }: ValuesAnswer) => {
    const { good, isLie } = judgeAll(kind, key, records, SET_LIMITS[kind] ?? 1)
    if (isLie) doubt(said.by)
    return isLie && good.length === 0 ? undefined : good.map((record) => ({ ...record, bytes: record.bytes.slice() }))
  }

  /** The pages behind the first, until there are no more or nothing new comes. */
  const furtherPages = Effect.fnUntraced(function* (kind: RecordKind, key: Uint8Array, errand: Errand, first: Said) {
    const pages: Array<CheckedRecord> = []
    let after: Uint8Array = NOTHING
    for (let said: Said | undefined = first, page = 0; page < (SET_LIMITS[kind] ?? 1); page++) {
      if (said?._tag !== "Answer" || said.answer._tag !== "Values" || !said.answer.more) break
      const last = said.answer.records
        .map((bytes) => suite.sha256(bytes))
        .sort(compareBytes)
        .at(-1)
      if (last === undefined || compareBytes(last, after) <= 0) break
      after = last
      said = yield* again(errand, said.by, requestFor(kind, key, after), LARGE_ANSWER)
      if (said?._tag === "Answer" && said.answer._tag === "Values")
        pages.push(...(soundOf(kind, key, said, said.answer) ?? []))
    }
    return pages
  })

  /** What the next delegate that answers soundly has; undefined when nobody is left. */
  const shown = Effect.fnUntraced(function* (kind: RecordKind, key: Uint8Array, errand: Errand) {
    const request = requestFor(kind, key, NOTHING)
    const first = kind === RecordKind.Block ? BLOCK_ANSWER : SMALL_ANSWER
    for (;;) {
      let said = yield* next(errand, request, first)
      if (said?._tag === "Refusal" && said.failure.tag === TOO_LARGE)
        said = yield* again(errand, said.by, request, LARGE_ANSWER)
      if (said === undefined) return undefined
      if (said._tag === "Refusal") errand.trouble = refusalText(said)
      else if (said.answer._tag === "Values") {
        const sound = soundOf(kind, key, said, said.answer)
        if (sound !== undefined) {
          errand.asked++
          return [...sound, ...(yield* furtherPages(kind, key, errand, said))]
        }
        errand.trouble = "those who answered did not tell the truth: try again later"
      }
    }
  })

  /** A block proves itself, so one who has it is enough; one who has none may only not have found it. */
  const findBlock = Effect.fnUntraced(function* (key: Uint8Array, errand: Errand) {
    for (;;) {
      const found = yield* shown(RecordKind.Block, key, errand)
      if (found === undefined || found.length > 0 || errand.asked >= DELEGATES_AGREEING) return found ?? []
    }
  })

  /** An old version proves itself as well, so several are asked at the same time, and the newest of each counts. */
  const findNewest = Effect.fnUntraced(function* (kind: RecordKind, key: Uint8Array, errand: Errand) {
    const set = new MergedSet<CheckedRecord>(SET_LIMITS[kind] ?? 1, suite.sha256)
    const all = yield* Effect.all(
      Array.from({ length: DELEGATES_AGREEING }, () => shown(kind, key, errand)),
      { concurrency: DELEGATES_AGREEING }
    )
    for (const found of all) for (const record of found ?? []) set.take(record)
    const best = set.records()
    return best.slice(0, best[0]?.limit)
  })

  const find: Delegates["Service"]["find"] = Effect.fn("OnionDelegates.find")(function* (kind, key) {
    const errand = new Errand()
    const records = yield* kind === RecordKind.Block ? findBlock(key, errand) : findNewest(kind, key, errand)
    if (errand.asked === 0) return yield* unavailable(errand)
    return { records, asked: errand.asked } satisfies AnonymousFinds
  })

  /** Whether it is true only the delegate knows; that it is possible, this node sees to. */
  const receiptOf = ({ answer }: Extract<Said, { _tag: "Answer" }>, lifetime: number): AnonymousReceipt | undefined => {
    if (answer._tag !== "Stored") return undefined
    const { expires, placed = { reached: 1, factor: 1 } } = answer
    if (placed.reached < 1) return undefined
    return {
      reached: Math.min(placed.reached, MOST_REPLICAS),
      factor: Math.min(Math.max(placed.factor, 1), MOST_REPLICAS),
      expires: Math.min(expires, seconds() + lifetime)
    }
  }

  /** What a refusal asks for beyond what was shown, 0 for any other. */
  const moreBits = (said: Said | undefined, bits: number): number => {
    if (said?._tag !== "Refusal" || said.failure.tag !== WORK_REQUIRED) return 0
    const { data } = said.failure
    return typeof data === "number" && data > bits && data <= WORK_BITS_LIMIT ? data : 0
  }

  const storing = Effect.fnUntraced(function* ({ bytes, key, kind }: AnonymousPut, ttl: number, bits: number) {
    const work = kind === RecordKind.Inbox ? NOTHING : yield* workOn({ bytes, key, kind }, bits)
    return { _tag: "Store", kind, record: bytes, ttl, work } as const
  })

  const place: Delegates["Service"]["place"] = Effect.fn("OnionDelegates.place")(function* (put) {
    const lifetime = Math.min(put.lifetime, ANONYMOUS_LIFETIME)
    const errand = new Errand()
    const refusals = new Map<string, number>()
    for (;;) {
      let said = yield* next(errand, yield* storing(put, lifetime, WORK_BITS), SMALL_ANSWER)
      const more = moreBits(said, WORK_BITS)
      if (said !== undefined && more > 0)
        said = yield* again(errand, said.by, yield* storing(put, lifetime, more), SMALL_ANSWER)
      if (said === undefined) break
      const receipt = said._tag === "Answer" ? receiptOf(said, lifetime) : undefined
      if (receipt !== undefined) return receipt
      const reason = said._tag === "Refusal" ? said.failure.tag : "Malformed"
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
    }
    if (refusals.size === 0) return yield* unavailable(errand)
    const sorted = [...refusals].sort(([, a], [, b]) => b - a)
    return yield* new PutRefused({ key: put.key, refusals: sorted.map(([reason, nodes]) => ({ reason, nodes })) })
  })

  /** Verified, whether it was known before or not; of a key that is known better the newer one. */
  const admitted = (bytes: Uint8Array) => {
    const fresh = peers.admit(bytes.slice(), seconds())
    if (Result.isSuccess(fresh)) return fresh.success
    const record = fresh.failure === "too-old" ? Result.getOrUndefined(readPeerRecord(bytes)) : undefined
    return record && peers.find(record.publicKey)
  }

  const isRecordOf = (nodeId: Uint8Array, bytes: Uint8Array): boolean =>
    Result.match(readPeerRecord(bytes), {
      onFailure: () => false,
      onSuccess: ({ publicKey }) => equalBytes(nodeIdOf(suite, publicKey), nodeId)
    })

  /** By key, of whom is being looked for. None of them is a delegate for another, or lookups would wait for each other. */
  const wanted = new Set<string>()
  yield* (yield* Bounds).watch("nodes looked for by delegates", LOOKED_FOR, () => wanted.size)

  const lookFor = Effect.fnUntraced(function* (nodeId: NodeId) {
    const errand = new Errand(wanted)
    while (errand.asked < DELEGATES_AGREEING) {
      const said = yield* next(errand, { _tag: "FindNode", target: nodeId }, SMALL_ANSWER)
      if (said === undefined) return undefined
      if (said._tag !== "Answer" || said.answer._tag !== "Nodes") continue
      errand.asked++
      const bytes = said.answer.peers.find((it) => isRecordOf(nodeId, it))
      const contact = bytes && admitted(bytes)
      if (contact !== undefined) return contact
    }
    return undefined
  })

  const findNode: Delegates["Service"]["findNode"] = Effect.fn("OnionDelegates.findNode")((nodeId) =>
    Effect.suspend(() => {
      const key = keyOf(nodeId)
      if (wanted.size >= LOOKED_FOR || wanted.has(key)) return Effect.succeed(undefined)
      wanted.add(key)
      return Effect.ensuring(
        lookFor(nodeId),
        Effect.sync(() => wanted.delete(key))
      )
    })
  )

  return Delegates.of({ find, findNode, place })
})

export const layer = Layer.effect(Delegates, make)

/** For whoever looks for the record of somebody to whom this node is about to write anonymously. */
export const lookup = Effect.map(Delegates, ({ findNode }) => findNode)

const refusalText = (said: Extract<Said, { _tag: "Refusal" }>): string =>
  `those who were asked refused (${said.failure.tag}): try again later`
