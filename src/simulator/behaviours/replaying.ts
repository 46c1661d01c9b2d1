/**
 * Keeps the first version that it saw of each mutable record: answers with it for ever, and brings it back to those who
 * should hold the latest. All else it does as it should.
 */
import { Effect, Layer, Result } from "effect"
import { makeAnswering } from "#layers/dht/DhtServer"
import { keyOf } from "#schemas/bytes/bytes"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import * as Mutable from "#schemas/dht/Mutable"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Crypto } from "#services/identity/Crypto"
import { Rpc } from "#services/rpc/Rpc"
import { ReplayPace } from "./paces.ts"

/** Records whose first version is kept. */
export const FIRST_VERSIONS = 1024
/** Nodes that one is brought back to. */
const OFFERED_TO = 5

interface First {
  readonly key: Uint8Array
  readonly bytes: Uint8Array
}

const make = Effect.gen(function* () {
  const [rpc, suite, table] = [yield* Rpc, yield* Crypto, yield* RoutingTable]
  const properly = yield* makeAnswering
  const firsts = new Map<string, First>()
  let turn = 0

  const remember = (bytes: Uint8Array): void => {
    const record = Mutable.read(bytes)
    if (Result.isFailure(record) || firsts.size >= FIRST_VERSIONS) return
    const key = suite.sha256(Mutable.keyPreimage(record.success.author, record.success.salt))
    if (!firsts.has(keyOf(key))) firsts.set(keyOf(key), { key, bytes: bytes.slice() })
  }

  const old = (request: DhtRequest, answer: DhtAnswer): DhtAnswer => {
    if (request._tag !== "FindValue" || request.kind !== RecordKind.Mutable || answer._tag !== "Values") return answer
    for (const bytes of answer.records) remember(bytes)
    const first = firsts.get(keyOf(request.key))
    return first === undefined ? answer : { ...answer, records: [first.bytes], more: false }
  }

  yield* rpc.handleDht((request, from) =>
    Effect.map(properly(request, from), (answer) => {
      if (request._tag === "Store" && request.kind === RecordKind.Mutable) remember(request.record)
      return old(request, answer)
    })
  )

  const bringBack = Effect.suspend(() => {
    const first = [...firsts.values()][turn++ % Math.max(1, firsts.size)]
    if (first === undefined) return Effect.void
    const { bytes, key } = first
    const request = {
      _tag: "Store",
      kind: RecordKind.Mutable,
      record: bytes,
      ttl: LIFETIME,
      work: new Uint8Array(0)
    } as const
    return Effect.forEach(
      table.closest(key, OFFERED_TO),
      (contact) => Effect.ignore(rpc.dht(contact, request), { log: "Debug" }),
      { concurrency: OFFERED_TO, discard: true }
    )
  })
  yield* Effect.forkScoped(Effect.schedule(bringBack, yield* ReplayPace))
})

export const layer = Layer.effectDiscard(make)
