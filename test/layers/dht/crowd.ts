/**
 * The Dht of one node among peers of the test's making: each of them answers what the test tells it to. Lookups are
 * reduced to asking all of them, closest first, so that what is judged is what the node makes of the answers.
 */
import { Effect, Layer } from "effect"
import { compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as KademliaDht from "#layers/dht/KademliaDht"
import * as KindValidators from "#layers/dht/KindValidators"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import { RpcFailure, type RpcFailureFields } from "#schemas/rpc/RpcFailure"
import { Delegates } from "#services/dht/Delegates"
import { Dht } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RecordValidators } from "#services/dht/RecordValidators"
import { Rpc, type RpcError, RpcTimeout } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, peer, table } from "./fixtures.ts"

/** What a peer says to a request, or how it refuses; undefined is silence. */
export type Saying = (request: DhtRequest) => DhtAnswer | RpcFailureFields | undefined

export interface Asked {
  readonly by: string
  readonly request: DhtRequest
}

export interface CrowdParts {
  readonly dht: Dht["Service"]
  readonly records: RecordStore["Service"]
  readonly pins: PinStore["Service"]
  readonly validators: RecordValidators["Service"]
  /** Every request that a peer got, in order. */
  readonly asked: ReadonlyArray<Asked>
  /** Names of peers, one for each time that they were charged for a bad record. */
  readonly charged: ReadonlyArray<string>
}

/** An answer that holds these and names nobody. */
export const showing = (records: ReadonlyArray<Uint8Array>, more = false): DhtAnswer => ({
  _tag: "Values",
  records,
  peers: [],
  more
})

export const stored: DhtAnswer = { _tag: "Stored", heldSeq: 1, expires: 1_000 }

const isRefusal = (said: DhtAnswer | RpcFailureFields): said is RpcFailureFields => "tag" in said

/** The peers by name; each of them is a server. The body may ask for all that a node's Dht stands on. */
export const amidst = <A, E, R = never>(
  crowd: Readonly<Record<string, Saying>>,
  body: (parts: CrowdParts) => Effect.Effect<A, E, R>,
  delegates: Partial<Delegates["Service"]> = {}
) => {
  const names = new Map(Object.keys(crowd).map((name) => [peer(name).key, name]))
  const contacts = Object.keys(crowd).map((name) => peer(name))
  const asked: Array<Asked> = []
  const charged: Array<string> = []
  const self = peer("me")
  const nameOf = (key: string): string => names.get(key) ?? "nobody"

  const ask = ({ nodeId }: { readonly nodeId: Uint8Array }, request: DhtRequest): Effect.Effect<DhtAnswer, RpcError> =>
    Effect.suspend((): Effect.Effect<DhtAnswer, RpcError> => {
      const name = nameOf(String.fromCharCode(...nodeId))
      asked.push({ by: name, request })
      const said = crowd[name]?.(request)
      if (said === undefined) return Effect.fail(new RpcTimeout({ peer: name, method: "", milliseconds: 1 }))
      return isRefusal(said) ? Effect.fail(new RpcFailure(said)) : Effect.succeed(said)
    })

  const closest = (target: Uint8Array): ReadonlyArray<Contact> =>
    contacts.toSorted((a, b) => compareDistance(target, a.nodeId, b.nodeId))
  const report = (requests: number, failures = 0) => ({ requests, failures, hops: 1, path: [], milliseconds: 0 })
  const found = (target: Uint8Array) => Effect.succeed({ closest: closest(target), report: report(0) })

  const askAll = Effect.fnUntraced(function* (
    key: Uint8Array,
    request: DhtRequest,
    accept: (records: ReadonlyArray<Uint8Array>, from: Contact) => boolean
  ) {
    const answered: Array<Contact> = []
    let requests = 0
    for (const contact of closest(key)) {
      requests++
      const answer = yield* Effect.option(ask(contact, request))
      if (answer._tag === "None") continue
      answered.push(contact)
      const records = answer.value._tag === "Values" ? answer.value.records : []
      if (records.length > 0 && accept(records, contact)) break
    }
    return { closest: answered, report: report(requests, requests - answered.length) }
  })

  const after = new Uint8Array(0)
  const queries = Layer.succeed(QueryExecutor, {
    lookupNode: found,
    locate: found,
    approach: found,
    lookupValue: ({ accept, key, kind, minSeq = 0 }) =>
      askAll(key, { _tag: "FindValue", kind: kind as 0, key, minSeq, after }, accept),
    lookupProviders: (key, accept) => askAll(key, { _tag: "GetProviders", key, after }, accept)
  })
  const sessions = Layer.succeed(SessionManager, {
    self: () => self,
    find: () => undefined,
    list: () => [],
    charge: (key: string) => void charged.push(nameOf(key))
  } as unknown as SessionManager["Service"])
  const rpc = Layer.mock(Rpc, { dht: ask as Rpc["Service"]["dht"], hello: () => undefined, roundTrip: () => undefined })

  return Effect.gen(function* () {
    const [dht, records, pins] = [yield* Dht, yield* RecordStore, yield* PinStore]
    return yield* body({ dht, records, pins, validators: yield* RecordValidators, asked, charged })
  }).pipe(
    Effect.provide(
      KademliaDht.layer({ replicationFactor: 3 }).pipe(
        Layer.provideMerge(CheckedStorePipeline.layer),
        Layer.provideMerge(KindValidators.layer),
        Layer.provideMerge(table(contacts)),
        Layer.provideMerge(Layer.mergeAll(queries, sessions, rpc, Layer.mock(Delegates, delegates))),
        Layer.provideMerge(Layer.merge(MemoryRecordStore.layer(), MemoryPinStore.layer)),
        Layer.provideMerge(identity("me"))
      )
    ),
    Effect.scoped
  )
}
