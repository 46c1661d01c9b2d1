/**
 * Carries out what comes out of an onion, for whoever asks and in this node's own name (WIRE §5): it looks up what is
 * looked for, and places what is to be stored.
 *
 * Nobody among the anonymous can be told from another, so all of them together have one budget, and what is beyond it is
 * refused at once: they can ask somebody else. A node that is only a client at present does nothing for them.
 */
import { Clock, Effect, Layer } from "effect"
import { ANSWER_HEAD, ITEM_HEAD, pageOf } from "#core/dht/pageOf"
import type { Contact } from "#core/identity/Contact"
import { TokenBucket } from "#core/session/TokenBucket"
import { type DhtAnswer, type DhtRequest, PEERS_LIMIT } from "#schemas/dht/DhtMessage"
import { RecordKind, SHORT_LIFETIME } from "#schemas/dht/Record"
import { RpcFailure, TOO_LARGE, WORK_REQUIRED } from "#schemas/rpc/RpcFailure"
import { Dht } from "#services/dht/Dht"
import { ANONYMOUS_AT_ONCE, ANONYMOUS_LOOKUPS, REPLICATION_FACTOR } from "#services/dht/Limits"
import { delegated } from "#services/dht/Metrics"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { DelegateWithin } from "#services/dht/Schedules"
import { Serving } from "#services/dht/Serving"
import { Crypto } from "#services/identity/Crypto"
import { SessionManager } from "#services/session/SessionManager"
import { makeDelegatedStores } from "./delegatedStores.ts"
import { serveEnvelopes } from "./envelopes.ts"
import { metricsBy } from "./metricsBy.ts"

export interface DelegatedOptions {
  /** Replicas of what is placed, 1 to 20; 5 by default. */
  readonly replicationFactor?: number
}

const failure = (tag: string, detail: string) => new RpcFailure({ tag, detail, data: null })

const NO_WORK = new Uint8Array(0)

const UNSERVED = "UnknownMethod"
const COUNTED = new Set(["Busy", "NotServed", "Failed", TOO_LARGE, UNSERVED, WORK_REQUIRED])

export const make = Effect.fnUntraced(function* ({ replicationFactor = REPLICATION_FACTOR }: DelegatedOptions = {}) {
  const [suite, sessions, table] = [yield* Crypto, yield* SessionManager, yield* RoutingTable]
  const [dht, queries, serving] = [yield* Dht, yield* QueryExecutor, yield* Serving]
  const [clock, within] = [yield* Clock.Clock, yield* DelegateWithin]
  const store = yield* makeDelegatedStores(replicationFactor)
  const lookups = new TokenBucket(ANONYMOUS_LOOKUPS, clock.currentTimeMillisUnsafe())
  const count = yield* metricsBy(delegated)

  const withinRate = <A>(lookup: Effect.Effect<A, RpcFailure>): Effect.Effect<A, RpcFailure> =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      if (lookups.left(now) < 1) return Effect.fail(failure("Busy", "enough is looked up for others"))
      lookups.take(1, now)
      return lookup
    })

  const storageFailed = () => failure("Failed", "the store failed")

  /** Only whom this node found where its record says, as in every answer. */
  const mayBeNamed = ({ key }: Contact): boolean => table.isShareable(key) || sessions.find(key)?.dialled === true

  const nodes = (target: Uint8Array, room: number) =>
    Effect.map(queries.lookupNode(target), ({ closest }): DhtAnswer => {
      let left = room - ANSWER_HEAD
      const named = closest.filter(mayBeNamed).slice(0, PEERS_LIMIT)
      const fitting = named.filter(({ bytes }) => (left -= bytes.length + ITEM_HEAD) >= 0)
      return { _tag: "Nodes", peers: fitting.map(({ bytes }) => bytes) }
    })

  /** Whom to ask besides is of no use to somebody who asks nobody himself. */
  const valuesOf = (found: ReadonlyArray<Uint8Array>, after: Uint8Array, room: number) => {
    const { more, page } = pageOf(suite.sha256, found, after, room - ANSWER_HEAD)
    if (page[0] !== undefined && page[0].length + ITEM_HEAD > room - ANSWER_HEAD)
      return Effect.fail(failure(TOO_LARGE, "the reply blocks do not carry it"))
    return Effect.succeed<DhtAnswer>({ _tag: "Values", records: page, peers: [], more })
  }

  const block = (digest: Uint8Array, after: Uint8Array, room: number) =>
    dht.getBlock(digest).pipe(
      Effect.map((bytes) => [bytes]),
      Effect.catchTag("NotFound", () => Effect.succeed([])),
      Effect.mapError(storageFailed),
      Effect.flatMap((found) => valuesOf(found, after, room))
    )

  const values = (kind: number, key: Uint8Array, minSeq: number, after: Uint8Array, room: number) =>
    dht.getRecords(kind, key).pipe(
      Effect.mapError(storageFailed),
      Effect.flatMap((found) =>
        valuesOf(
          found.flatMap(({ bytes, seq }) => (seq >= minSeq ? [bytes] : [])),
          after,
          room
        )
      )
    )

  const carryOut = (request: DhtRequest, room: number): Effect.Effect<DhtAnswer, RpcFailure> => {
    switch (request._tag) {
      case "FindNode":
        return withinRate(nodes(request.target, room))
      case "FindValue":
        return withinRate(
          request.kind === RecordKind.Block
            ? block(request.key, request.after, room)
            : values(request.kind, request.key, request.minSeq, request.after, room)
        )
      case "GetProviders":
        return withinRate(values(RecordKind.Provider, request.key, 0, request.after, room))
      case "Store":
        return store(request)
      case "AddProvider":
        return store({ kind: RecordKind.Provider, record: request.record, ttl: SHORT_LIFETIME, work: NO_WORK })
      default:
        return Effect.fail(failure(UNSERVED, "this is not done for others"))
    }
  }

  const counted = (request: DhtRequest, room: number) =>
    Effect.suspend(() =>
      serving.mode() === "server"
        ? carryOut(request, room)
        : Effect.fail(failure("NotServed", "this node is a client at present"))
    ).pipe(
      Effect.timeoutOrElse({ duration: within, orElse: () => Effect.fail(failure("Busy", "it took too long")) }),
      Effect.tap(() => Effect.sync(() => count(`${request._tag} done`))),
      // The tags of others are theirs to choose, and so too many to be counted apart.
      Effect.tapError(({ tag }) => Effect.sync(() => count(COUNTED.has(tag) ? tag : "refused")))
    )

  yield* serveEnvelopes({
    name: "operations for anonymous askers",
    limit: ANONYMOUS_AT_ONCE,
    // Without reply blocks nobody would hear of it.
    handle: ({ from, room }) => (from === undefined && room > 0 ? (request) => counted(request, room) : undefined)
  })
})

export const layer = (options?: DelegatedOptions) => Layer.effectDiscard(make(options))
