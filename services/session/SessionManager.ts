/**
 * Sessions: authenticated, encrypted, multiplexed message channels, one a peer (DESIGN.md §4, WIRE.md §2 and §3).
 *
 * Whatever the layer (NoiseSessions, PlainSessions for simulation), the laws are those of `test/laws/sessions.ts`.
 */
import { Context, type Effect, type PubSub, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { NodeId } from "#schemas/identity/NodeId"
import type { GoodbyeReason } from "#schemas/session/controlFrames"
import type { FrameType } from "#schemas/session/Frame"
import type { HelloFields } from "#schemas/session/Hello"
import type { Address } from "#schemas/transport/Address"

/** Why a session ended, for logs, counters and `explain`. */
export const CloseReason = Schema.Literals([
  "goodbye",
  "closed here",
  "connection lost",
  "silent",
  "replaced",
  "idle",
  "trimmed",
  "banned",
  "flooding",
  "bad mac",
  "malformed",
  "unsealed frame",
  "rekey overdue"
])
export type CloseReason = typeof CloseReason.Type

/** Nothing can be sent any more. Connecting again may help. */
export class SessionClosed extends Schema.TaggedError<SessionClosed>()("SessionClosed", { reason: CloseReason }) {}

/** No session could be made. `layer` and `reason` say where it stopped. */
export class ConnectFailed extends Schema.TaggedError<ConnectFailed>()("ConnectFailed", {
  peer: Schema.String,
  layer: Schema.Literals(["address", "transport", "handshake", "session"]),
  reason: Schema.String
}) {}

/** Whom to reach and where. `trusted` as in `DialOptions`; a `Contact` with `trusted: false` will do. */
export interface DialTarget {
  readonly nodeId: NodeId
  readonly addresses: ReadonlyArray<Address>
  readonly trusted?: boolean
  /**
   * The addresses are a stranger's word, and may not be the peer's at all: the dial is kept apart from all others, so
   * that nobody who wants this peer waits for it, nor is held back because it failed. Interruption ends it.
   */
  readonly hearsay?: boolean
}

export interface Session {
  /** The far end as its verified PeerRecord says. */
  readonly contact: Contact
  /** What it said of itself in the handshake. */
  readonly hello: HelloFields
  readonly dialled: boolean
  readonly address: Address
  /** Unix milliseconds at the end of the handshake. */
  readonly since: number
  readonly isOpen: () => boolean
  /** False while it only finishes what is in flight, because a second session replaced it. */
  readonly takesRequests: () => boolean
  /**
   * Puts a frame into the row that leaves at the end of this tick. Synchronous, for the hot path: false when the
   * session has ended or `SEND_QUEUE` bytes wait, and then nothing was queued. `payload` at most 65,511 bytes, and
   * unchanged afterwards: it is sealed where it lies.
   */
  readonly offer: (type: FrameType, payload: Uint8Array) => boolean
  /** As `offer`, but waits for room. */
  readonly send: (type: FrameType, payload: Uint8Array) => Effect.Effect<void, SessionClosed>
  /** Waits for the end. */
  readonly closed: Effect.Effect<CloseReason>
  /** GOODBYE, then the end. */
  readonly close: (reason: GoodbyeReason) => Effect.Effect<void>
}

export type SessionEvent =
  | { readonly _tag: "Opened"; readonly session: Session }
  | { readonly _tag: "Closed"; readonly session: Session; readonly reason: CloseReason }

/** What a peer did wrong, and so what it is charged (`Limits.ts` holds the prices). */
export type Offence = "malformed" | "flooding" | "bad record" | "broken promise" | "useless answer" | "timeout"

export interface SessionStats {
  readonly open: number
  readonly halfOpen: number
  readonly bans: number
}

export class SessionManager extends Context.Service<
  SessionManager,
  {
    /** This node as others may see it: signed, unexpired, with its present addresses. */
    readonly self: () => Contact
    /** Where this node accepts connections, with `/p2p/…`: what a user hands to the next node. */
    readonly listening: () => ReadonlyArray<Address>
    /** Adds an address that others confirmed (in handshakes, NAT), and signs the record anew. */
    readonly addExternal: (address: Address) => void
    /**
     * Whether this node's record calls it a server of the DHT, and a relay if it ever is one; signed anew when that
     * changes. Sessions that are open know the record of their handshake until they are told of another.
     */
    readonly setServing: (serving: boolean) => void
    /**
     * The session to this peer: the open one, the one being made, or a new one. Fails within the dial and handshake
     * deadlines; a peer that just failed is not dialled again before its back-off has passed.
     */
    readonly connect: (target: DialTarget) => Effect.Effect<Session, ConnectFailed>
    /** The open session to this peer, by `contact.key`. */
    readonly find: (key: string) => Session | undefined
    readonly list: () => ReadonlyArray<Session>
    /**
     * Receives every frame of this type until the scope closes. Called synchronously per frame; the payload is a view
     * that the receiver may keep. One handler a type. Returning false charges the peer with "malformed".
     */
    readonly onFrame: (
      type: FrameType,
      handle: (session: Session, payload: Uint8Array) => boolean
    ) => Effect.Effect<void, never, Scope.Scope>
    readonly events: PubSub.PubSub<SessionEvent>
    /** Called synchronously at every opening, before any frame of that session is handed out. */
    readonly onOpen: (handle: (session: Session) => void) => Effect.Effect<void, never, Scope.Scope>
    /** Called synchronously at every end, after the last frame of that session was handed out. */
    readonly onClose: (
      handle: (session: Session, reason: CloseReason) => void
    ) => Effect.Effect<void, never, Scope.Scope>
    /** Called when this node's record shows another onion key, once a day: whoever has a session is to be told. */
    readonly onOwnKey: (handle: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** Lowers the peer's reputation; at the bottom it is banned for `BanDuration`. */
    readonly charge: (key: string, offence: Offence) => void
    /**
     * Peers that are trimmed last and not idle: the neighbourhood of the DHT, the meshes of gossip. Everyone who asks is
     * heard, for as long as this node runs; asked in a trim and of idle sessions only.
     */
    readonly keepIf: (useful: (contact: Contact) => boolean) => void
    readonly stats: () => SessionStats
  }
>()("allium/services/session/SessionManager") {}
