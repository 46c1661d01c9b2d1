/**
 * A way of carrying messages between two machines: TCP, memory, later QUIC, WebRTC, WebSocket.
 *
 * A message is one whole wire frame (WIRE.md §2) and keeps its boundaries. A transport knows nothing of keys and
 * peers: whoever dials decides by the handshake whom it reached. Every transport keeps `test/laws/transport.ts`.
 */
import { Context, type Effect, type Result, Schema, type Scope } from "effect"
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

/** How a connection ended. */
export type ConnectionEnd = ConnectionClosed["reason"]

/** Who takes what comes over a connection. Called synchronously, by nobody else meanwhile; it must not throw. */
export interface Reader {
  /** What arrived together, at least one message, in order. The bytes are the reader's to keep. */
  readonly onMessages: (messages: ReadonlyArray<Uint8Array>) => void
  /** Once, after the last message, whichever side ended it. */
  readonly onEnd: (reason: ConnectionEnd) => void
}

/** An open message pipe. It belongs to whoever dialled or accepted it: who has it has to `finish` or `abort` it. */
export interface Connection {
  /** Where the far end is, without `/p2p`; of an inbound TCP connection the port is the dialler's own. */
  readonly address: Address
  readonly dialled: boolean
  /**
   * Hands over what has arrived, perhaps before this returns, and from then on whatever comes as soon as it is there.
   * One reader: a later one takes the place of the one before.
   */
  readonly read: (reader: Reader) => void
  /** There is no reader until `read` is called again. That is back-pressure: the far end is slowed down. */
  readonly rest: () => void
  /**
   * Sends one message, given in parts, whole or not at all. Synchronous, for the hot path. False when more is
   * waiting than the transport likes to hold (the message is taken nevertheless): wait for `drained` before the next.
   * The parts must not change afterwards. After the end it does nothing and answers false.
   */
  readonly write: (parts: ReadonlyArray<Uint8Array>) => boolean
  /** Waits until the far end has taken enough of what was written. */
  readonly drained: Effect.Effect<void, ConnectionClosed>
  /** Ends in order: the far end sees it after everything that was written. What still comes is lost. Idempotent. */
  readonly finish: () => void
  /** Ends at once, losing what was not yet taken. Idempotent. */
  readonly abort: () => void
}

export interface Listener {
  /** As it really is: port 0 has become a number. */
  readonly address: Address
}

/** Called once, perhaps before the dial returns, unless that was given up. */
export type Dialled = (outcome: Result.Result<Connection, DialFailed>) => void

/** Leaves nothing behind, and nothing is told of it any more. Does nothing when all is done already. */
export type GiveUp = () => void

export interface Transport {
  readonly name: string
  readonly supports: (address: Address) => boolean
  /** Sets up a connection; no deadline of its own. */
  readonly dial: (address: Address, done: Dialled) => GiveUp
  /** Accepts until the scope closes. What was accepted stays open after that: it is no longer the listener's. */
  readonly listen: (
    address: Address,
    accept: (connection: Connection) => void
  ) => Effect.Effect<Listener, ListenFailed, Scope.Scope>
}

/** The transports of this node, in order of preference. */
export class Transports extends Context.Service<Transports, ReadonlyArray<Transport>>()(
  "allium/services/transport/Transports"
) {}
