/** A node's DHT server without a network: the test asks it directly. */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Contact } from "#core/identity/Contact"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as DhtServer from "#layers/dht/DhtServer"
import * as KindValidators from "#layers/dht/KindValidators"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import type { DhtAnswer, DhtRequest, ValuesAnswer } from "#schemas/dht/DhtMessage"
import type { RpcFailure } from "#schemas/rpc/RpcFailure"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, table } from "./fixtures.ts"

export type Handler = (request: DhtRequest, from: Contact) => Effect.Effect<DhtAnswer, RpcFailure>

/** The server's handler, taken from a Rpc that only listens; `charged` are the offences that the asker was charged for. */
export const withServer = <A, E>(
  known: ReadonlyArray<Contact>,
  body: (ask: Handler, records: RecordStore["Service"], charged: ReadonlyArray<string>) => Effect.Effect<A, E>,
  isClose = true
) => {
  const handlers: Array<Handler> = []
  const charged: Array<string> = []
  const charge: SessionManager["Service"]["charge"] = (_, offence) => void charged.push(offence)
  const sessions = Layer.succeed(SessionManager, { charge } as SessionManager["Service"])
  const rpc = Layer.mock(Rpc, {
    hello: () => undefined,
    roundTrip: () => undefined,
    handleDht: (handler) => Effect.sync(() => void handlers.push(handler))
  })
  return Effect.flatMap(RecordStore, (records) =>
    body((request, from) => handlers[0]!(request, from), records, charged)
  ).pipe(
    Effect.provide(
      DhtServer.layer.pipe(
        Layer.provideMerge(CheckedStorePipeline.layer),
        Layer.provideMerge(KindValidators.layer),
        Layer.provideMerge(table(known, isClose)),
        Layer.provideMerge(MemoryRecordStore.layer()),
        Layer.provideMerge(Layer.merge(rpc, sessions)),
        Layer.provideMerge(identity("me"))
      )
    )
  )
}

export const asValues = (answer: DhtAnswer): ValuesAnswer => {
  assert.strictEqual(answer._tag, "Values")
  return answer as ValuesAnswer
}
