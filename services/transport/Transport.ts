/**
 * A way of carrying messages between two machines: TCP, memory, later QUIC, WebRTC, WebSocket.
 *
 * A message is one whole wire frame (WIRE.md §2) and keeps its boundaries. A transport knows nothing of keys and
 * peers: whoever dials decides by the handshake whom it reached. Every transport keeps `test/laws/transport.ts`.
 */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { Address } from "#schemas/transport/Address"

/** The connection has ended; `reason` says how, for logs and counters. */
export class ConnectionClosed extends Schema.TaggedError<ConnectionClosed>()("ConnectionClosed", {
  reason: Schema.Literals(["ended", "reset", "timeout", "closed here", "malformed frame", "oversize frame"])
}) {}

/** Nobody could be reached at this address. */
export class DialFailed extends Schema.TaggedError<DialFailed>()("DialFailed", {
  address: Schema.String,
  reason: Schema.Literals(["refused", "timeout", "unreachable", "not supported", "private address", "no address"])
}) {}

/** This node cannot accept connections at the address it was told to use. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  address: Schema.String,
  reason: Schema.Literals(["in use", "not permitted", "not available", "not supported"])
}) {}

/** An open message pipe. It closes with the scope in which it was dialled or accepted. */
export interface Connection {
  /** Where the far end is, without `/p2p`; of an inbound TCP connection the port is the dialler's own. */
  readonly address: Address
  readonly dialled: boolean
  /**
   * The messages that arrived since the last call, at least one, in order; waits for them. One reader.
   * Not reading is back-pressure: the far end is slowed down. The bytes are the caller's to keep.
   */
  readonly receive: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionClosed>
  /**
   * Sends one message, given in parts, whole or not at all. Synchronous, for the hot path. False when more is
   * waiting than the transport likes to hold (the message is taken nevertheless): wait for `drained` before the next.
   * The parts must not change afterwards. After the end it does nothing and answers false.
   */
  readonly write: (parts: ReadonlyArray<Uint8Array>) => boolean
  /** Waits until the far end has taken enough of what was written. */
  readonly drained: Effect.Effect<void, ConnectionClosed>
  /** Ends at once, losing what was not yet taken; `receive` and `drained` then fail. Idempotent. */
  readonly abort: () => void
}

export interface Listener {
  /** As it really is: port 0 has become a number. */
  readonly address: Address
}

export interface Transport {
  readonly name: string
  readonly supports: (address: Address) => boolean
  /** Waits for the transport's own connection set-up, interruptibly; no deadline of its own. */
  readonly dial: (address: Address) => Effect.Effect<Connection, DialFailed, Scope.Scope>
  /**
   * Accepts until the scope closes. Each connection is handled in a fiber and a scope of its own: it is closed when
   * `handle` ends, gracefully: what was written is still delivered.
   */
  readonly listen: (
    address: Address,
    handle: (connection: Connection) => Effect.Effect<void, never, Scope.Scope>
  ) => Effect.Effect<Listener, ListenFailed, Scope.Scope>
}

/** The transports of this node, in order of preference. */
export class Transports extends Context.Service<Transports, ReadonlyArray<Transport>>()(
  "allium/services/transport/Transports"
) {}
