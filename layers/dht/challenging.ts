/**
 * Sees to it that promises are kept: in rounds some of the holders of what this node put are asked to prove that they
 * have it. Whoever cannot is charged for it, and what he should have kept is stored elsewhere at once.
 *
 * Only what is one record under its key is asked for: of a set two nodes may honestly hold different entries.
 */
import { Clock, Effect, Random, Result } from "effect"
import { proofOf } from "#core/dht/challenge"
import type { Outcomes } from "#core/dht/Outcomes"
import type { Probe, ReceiptBook } from "#core/dht/ReceiptBook"
import type { Contact } from "#core/identity/Contact"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { isRecordKind, type RecordKind } from "#schemas/dht/Record"
import { Dht } from "#services/dht/Dht"
import { CHALLENGED, CHALLENGES } from "#services/dht/Limits"
import { challenges } from "#services/dht/Metrics"
import { RecordValidators } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { metricsBy } from "./metricsBy.ts"
import { NOT_FOUND } from "./proving.ts"

/** `moot`: nothing can be said, because the question was not answered or is out of date. */
type Verdict = "proven" | "broken" | "silent" | "moot"

const NONCE_BYTES = 32
const NOTHING = new Uint8Array(0)

const verdictOf = (error: RpcError): Verdict => {
  if (error._tag === "RpcFailure") return error.tag === NOT_FOUND ? "broken" : "moot"
  return error._tag === "RpcBusy" ? "moot" : "silent"
}

export const makeChallenging = Effect.fnUntraced(function* (receipts: ReceiptBook, outcomes: Outcomes) {
  const { sha256 } = yield* Crypto
  const { nodeId } = yield* Identity
  const [rpc, table, sessions] = [yield* Rpc, yield* RoutingTable, yield* SessionManager]
  const [dht, records, pins] = [yield* Dht, yield* RecordStore, yield* PinStore]
  const [validators, random, clock] = [yield* RecordValidators, yield* SecureRandom, yield* Clock.Clock]
  const count = yield* metricsBy(challenges)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  let broken = 0

  /** An author may have replaced it, and the holder have heard of it first. */
  const hasNewer = Effect.fnUntraced(function* (contact: Contact, kind: RecordKind, { key, seq }: StoredRecord) {
    const answer = yield* Effect.result(rpc.dht(contact, { _tag: "FindValue", kind, key, minSeq: seq, after: NOTHING }))
    if (Result.isFailure(answer) || answer.success._tag !== "Values") return false
    const [bytes] = answer.success.records
    const parsed = bytes === undefined ? undefined : Result.getOrUndefined(validators.parse(kind, bytes, seconds()))
    if (parsed === undefined || parsed.seq < seq || !equalBytes(parsed.key, key)) return false
    return Result.isSuccess(validators.verify(parsed, seconds()))
  })

  const judge = Effect.fnUntraced(function* (contact: Contact, own: StoredRecord): Effect.fn.Return<Verdict> {
    const nonce = random.bytes(NONCE_BYTES)
    const { bytes, key, kind } = own
    if (!isRecordKind(kind)) return "moot"
    const expected = proofOf(sha256, { nonce, asker: nodeId, holder: contact.nodeId }, bytes)
    const answer = yield* Effect.result(rpc.dht(contact, { _tag: "Challenge", kind, key, nonce }))
    if (Result.isFailure(answer)) return verdictOf(answer.failure)
    if (answer.success._tag === "Proof" && equalBytes(answer.success.proof, expected)) return "proven"
    return (yield* hasNewer(contact, kind, own)) ? "moot" : "broken"
  })

  /** Elsewhere, for whoever does not keep it is asked no more than anyone else. */
  const storeAgain = ({ key, kind }: Pick<Probe, "kind" | "key">) =>
    Effect.flatMap(pins.find(kind, key), (pin) =>
      dht.refresh(kind, key, { keep: false, ...(pin === undefined ? {} : { factor: pin.factor }) })
    ).pipe(Effect.ignore({ log: "Debug" }))

  const proven = Effect.fnUntraced(function* (probe: Probe) {
    const all = receipts.proven(probe)
    const pin = yield* pins.find(probe.kind, probe.key)
    if (pin !== undefined && pin.proven !== all) yield* pins.put([{ ...pin, proven: all }])
  })

  const challenge = Effect.fnUntraced(function* (probe: Probe) {
    const [own] = yield* records.get(probe.kind, probe.key)
    const contact = table.find(keyOf(probe.holder))?.contact
    if (own === undefined) return receipts.drop(probe.kind, probe.key)
    const verdict: Verdict = contact === undefined ? "silent" : yield* judge(contact, own)
    count(verdict)
    if (verdict === "moot") return
    outcomes.note(keyOf(probe.holder), verdict === "proven")
    if (verdict === "proven") return yield* proven(probe)
    if (verdict === "broken") {
      broken++
      sessions.charge(keyOf(probe.holder), "broken promise")
    } else if (contact !== undefined) table.failed(contact.key)
    const alone = receipts.lost(probe.holder)
    const others = alone.filter((it) => it.kind !== probe.kind || !equalBytes(it.key, probe.key))
    yield* Effect.forEach([probe, ...others], storeAgain, { concurrency: CHALLENGED, discard: true })
  })

  const round = Effect.gen(function* () {
    const draw = yield* Random.Random
    const pick = (below: number): number => Math.min(below - 1, Math.floor(draw.nextDoubleUnsafe() * below))
    const probes = receipts.probes(seconds(), CHALLENGES, pick)
    yield* Effect.forEach(probes, challenge, { concurrency: CHALLENGED, discard: true })
  }).pipe(Effect.catch((error) => Effect.logWarning("holders could not be challenged", error)))

  return { round, broken: () => broken }
})
