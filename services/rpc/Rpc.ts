/**
 * Request and response between two nodes: correlation by id, timeouts from measured round trips, typed failures over
 * the wire (WIRE.md §2, §6). DHT methods go by number on their own frame type; apps register methods by name.
 */
import { Context, type Duration, type Effect, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { CborValue } from "#schemas/bytes/CborValue"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import type { RpcFailure } from "#schemas/rpc/RpcFailure"
import type { HelloFields } from "#schemas/session/Hello"
import type { ConnectFailed, DialTarget, Session } from "../session/SessionManager.ts"

/** No answer in time; the peer may be gone or slow. */
export class RpcTimeout extends Schema.TaggedError<RpcTimeout>()("RpcTimeout", {
  peer: Schema.String,
  method: Schema.String,
  milliseconds: Schema.Number
}) {}

/** The session ended before the answer came. */
export class RpcInterrupted extends Schema.TaggedError<RpcInterrupted>()("RpcInterrupted", {
  peer: Schema.String,
  reason: Schema.String
}) {}

/** The peer has more requests in flight than it said it takes. */
export class RpcBusy extends Schema.TaggedError<RpcBusy>()("RpcBusy", { peer: Schema.String }) {}

/** What came back is not an answer to this method. The peer was charged. */
export class RpcMalformed extends Schema.TaggedError<RpcMalformed>()("RpcMalformed", {
  peer: Schema.String,
  reason: Schema.String
}) {}

/** `RpcFailure` is the peer's own typed answer; the others are what happened on the way. */
export type RpcError = ConnectFailed | RpcTimeout | RpcInterrupted | RpcBusy | RpcMalformed | RpcFailure

/** A method that an app registers: its name on the wire (≤ 64 bytes) and what it carries, as CBOR values. */
export interface RpcMethod<Request, Response> {
  readonly name: string
  readonly request: Schema.Codec<Request, CborValue>
  readonly response: Schema.Codec<Response, CborValue>
  /** How long its work may take, beside the way there and back; its answers then say nothing of the line. */
  readonly takes?: Duration.Duration
}

export class Rpc extends Context.Service<
  Rpc,
  {
    readonly call: <Request, Response>(
      peer: DialTarget,
      method: RpcMethod<Request, Response>,
      request: Request
    ) => Effect.Effect<Response, RpcError>
    /**
     * Serves a method until the scope closes, to peers by session and in envelopes that they bring. A failed `RpcFailure`
     * crosses the wire with its tag.
     */
    readonly handle: <Request, Response>(
      method: RpcMethod<Request, Response>,
      handler: (request: Request, from: Contact) => Effect.Effect<Response, RpcFailure>
    ) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Serves a method until the scope closes, to whoever asks and without knowing who: its requests come out of onions
     * (`RouterHandle.rpcCall`), and directly as those of `handle`. A name is served by one of the two.
     */
    readonly handleAnonymous: <Request, Response>(
      method: RpcMethod<Request, Response>,
      handler: (request: Request) => Effect.Effect<Response, RpcFailure>
    ) => Effect.Effect<void, never, Scope.Scope>
    /** One DHT request. `answer` has the shape of the request's method, or it is `RpcMalformed`. */
    readonly dht: (peer: DialTarget, request: DhtRequest) => Effect.Effect<DhtAnswer, RpcError>
    /** Serves all DHT methods until the scope closes. */
    readonly handleDht: (
      handler: (request: DhtRequest, from: Contact) => Effect.Effect<DhtAnswer, RpcFailure>
    ) => Effect.Effect<void, never, Scope.Scope>
    /** What the peer said of itself in the handshake; undefined where a session knows of none. */
    readonly hello: (session: Session) => HelloFields | undefined
    /** Measures a round trip, in milliseconds. */
    readonly ping: (peer: DialTarget) => Effect.Effect<number, RpcError>
    /** Smoothed round trip to a peer in milliseconds, by `contact.key`. */
    readonly roundTrip: (key: string) => number | undefined
  }
>()("allium/services/rpc/Rpc") {}
