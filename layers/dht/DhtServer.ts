/**
 * Answers the DHT's methods from what this node holds and knows. A layer without a service: a node that is only a
 * client leaves it out.
 */
import { Clock, Effect, Layer } from "effect"
import { ANSWER_HEAD, ITEM_HEAD, pageOf } from "#core/dht/pageOf"
import type { Contact } from "#core/identity/Contact"
import { type DhtAnswer, type DhtRequest, PEERS_LIMIT, RECORDS_LIMIT } from "#schemas/dht/DhtMessage"
import { RecordKind } from "#schemas/dht/Record"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { INNER_LIMIT } from "#schemas/session/Frame"
import { RecordValidators, type Refusal } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { type RecordRefused, StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore, type StorageFailed, type StoredRecord } from "#services/storage/RecordStore"
import { makeComparing } from "./comparing.ts"
import { formRefusalOf, isDamage, refusalOf } from "./damage.ts"
import { makeProving } from "./proving.ts"

const refused = ({ bits, closer, refusal }: RecordRefused): RpcFailure =>
  new RpcFailure({
    tag: refusal,
    detail: "",
    data: refusal === "NotClosest" ? closer : refusal === "WorkRequired" ? bits : null
  })

/** What nobody who checks what he sends can come to send. Time, place and room are no fault of his. */
const FAULTS = new Set<Refusal>(["Malformed", "TooLong", "BadSignature"])

/** The cause stays here: what a disk says is nobody else's business. */
const failed = new RpcFailure({ tag: "Failed", detail: "the store failed", data: null })

export type Answering = (request: DhtRequest, from: Contact) => Effect.Effect<DhtAnswer, RpcFailure>

/** What the protocol answers. */
export const makeAnswering = Effect.gen(function* () {
  const suite = yield* Crypto
  const table = yield* RoutingTable
  const pipeline = yield* StorePipeline
  const records = yield* RecordStore
  const validators = yield* RecordValidators
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock
  const [proving, comparing] = [yield* makeProving, yield* makeComparing]

  /** Contacts for an answer, without the one that asks; only what is verified live and has not expired. */
  const peersFor = (target: Uint8Array, from: Contact): Array<Uint8Array> => {
    const now = clock.currentTimeMillisUnsafe() / 1000
    const peers: Array<Uint8Array> = []
    for (const contact of table.shareable(target, PEERS_LIMIT + 1)) {
      if (peers.length === PEERS_LIMIT) break
      if (contact.key !== from.key && contact.record.expires > now) peers.push(contact.bytes)
    }
    return peers
  }

  /**
   * Readers take a damaged record for a forged one and would charge this node for it, so it is not shown, and leaves the
   * disk; what is only out of date, or of a kind that nobody here judges any more, stays and is not shown either.
   */
  const soundOf = (held: ReadonlyArray<StoredRecord>) => {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const judge = held.length === 1 ? refusalOf : formRefusalOf
    const judged = held.map((row) => ({ row, refusal: judge(validators, row, now) }))
    const sound = judged.flatMap(({ refusal, row }) => (refusal === undefined ? [row] : []))
    const damaged = judged.filter(({ refusal }) => isDamage(refusal))
    if (damaged.length === 0) return Effect.succeed(sound)
    return Effect.logWarning("damaged records were found and dropped", { count: damaged.length }).pipe(
      Effect.andThen(Effect.forEach(damaged, ({ row }) => records.remove(row.kind, row.key, row.member))),
      Effect.as(sound)
    )
  }

  const values = Effect.fnUntraced(function* (
    kind: number,
    key: Uint8Array,
    minSeq: number,
    after: Uint8Array,
    from: Contact
  ): Effect.fn.Return<DhtAnswer, StorageFailed> {
    const held = yield* soundOf(yield* records.get(kind, key, { limit: RECORDS_LIMIT }))
    // A block that is here is the end of the search: whom else to ask would only be weight.
    if (kind === RecordKind.Block && held.length > 0)
      return { _tag: "Values", records: held.map((it) => it.bytes), peers: [], more: false }
    const current = held.filter((it) => it.seq >= minSeq).map((it) => it.bytes)
    const { more, page: shown } =
      current.length <= 1 && after.length === 0
        ? { more: false, page: current }
        : pageOf(suite.sha256, current, after, INNER_LIMIT - ANSWER_HEAD)
    let room = INNER_LIMIT - ANSWER_HEAD
    for (const bytes of shown) room -= bytes.length + ITEM_HEAD
    const peers = peersFor(key, from)
    while (peers.length > 0 && peers.reduce((sum, it) => sum + it.length + ITEM_HEAD, 0) > room) peers.pop()
    return { _tag: "Values", records: shown, peers, more }
  })

  const store = (kind: number, record: Uint8Array, ttl: number | undefined, from: Contact, work?: Uint8Array) =>
    pipeline.store(kind, record, ttl, from, work).pipe(
      Effect.map(({ expires, seq }): DhtAnswer => ({ _tag: "Stored", heldSeq: seq, expires })),
      Effect.tapError((error) =>
        Effect.sync(() => {
          if (error._tag === "RecordRefused" && FAULTS.has(error.refusal)) sessions.charge(from.key, "bad record")
        })
      )
    )

  type Stateful = Exclude<DhtRequest, { readonly _tag: "FindNode" | "Challenge" | "Ranges" }>
  const answer = (request: Stateful, from: Contact): Effect.Effect<DhtAnswer, RecordRefused | StorageFailed> => {
    switch (request._tag) {
      case "FindValue":
        return values(request.kind, request.key, request.minSeq, request.after, from)
      case "Store":
        return store(request.kind, request.record, request.ttl, from, request.work)
      case "AddProvider":
        return store(RecordKind.Provider, request.record, undefined, from)
      case "GetProviders":
        return values(RecordKind.Provider, request.key, 0, request.after, from)
    }
  }

  const answering: Answering = (request, from) => {
    // FindNode, by far the most frequent, is answered on the spot and without a fiber.
    if (request._tag === "FindNode") return Effect.succeed({ _tag: "Nodes", peers: peersFor(request.target, from) })
    if (request._tag === "Challenge") return proving(request, from)
    if (request._tag === "Ranges") return comparing(request, from)
    return Effect.mapError(answer(request, from), (error) => (error._tag === "RecordRefused" ? refused(error) : failed))
  }
  return answering
})

export const make = Effect.gen(function* () {
  yield* (yield* Rpc).handleDht(yield* makeAnswering)
})

export const layer = Layer.effectDiscard(make)
