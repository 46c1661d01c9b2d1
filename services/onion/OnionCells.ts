/**
 * Cells in and out of this node (WIRE §4): takes one layer off each, sends on what is for others within the limits of
 * the session that it came from, and hands what is for this node to whoever understands it. Knows no messages.
 *
 * It also keeps what cells are made of: the onion keys of the day, the replay set, ephemeral keys made ahead.
 */
import { Context, type Effect, Schema } from "effect"
import type { Outgoing } from "#core/onion/buildRequest"
import type { EphemeralKeys } from "#core/onion/EphemeralKeys"
import type { DropReason, Peeled } from "#core/onion/peel"
import type { NextHopFields } from "#schemas/onion/OnionHeader"
import type { Session } from "../session/SessionManager.ts"

/** The first hop was not reached, or has no room; nothing left this node. */
export class CellNotSent extends Schema.TaggedError<CellNotSent>()("CellNotSent", {
  /** The first hop, shortened. */
  peer: Schema.String,
  layer: Schema.Literals(["address", "transport", "handshake", "session"]),
  reason: Schema.String
}) {}

export type Delivered = Extract<Peeled, { readonly _tag: "Deliver" }>
export type HandedOver = Extract<Peeled, { readonly _tag: "Hand" }>
export type Replied = Extract<Peeled, { readonly _tag: "Reply" }>

/** Why a cell went no further, beside what its own layer was refused for. Counted only; nobody is told. */
export type CellDropped =
  | DropReason
  /** Its session brings more than it may, or too much that is bad. */
  | "throttled"
  /** This node does not offer to relay. */
  | "not a relay"
  /** The next hop is this node. */
  | "loop"
  /** Without an address a cell goes only over a session that is open. */
  | "no session"
  /** An address that this node cannot dial. */
  | "address"
  /** An address that means something only here, on a stranger's word. */
  | "private address"
  /** Its session has had this node dial as often as it may. */
  | "dial budget"
  /** Too much waits for next hops that are being dialled. */
  | "waiting"
  | "unreachable"
  /** More than `SEND_QUEUE` waits in the session to the next hop. */
  | "no room"
  /** Too much is being held back. */
  | "held"
  /** It is for this node, and nobody here wants cells. */
  | "unwanted"

/** Synchronous; called once a cell, from the frame handler. */
export interface CellReceiver {
  /** A part of an envelope for this node. */
  readonly onDeliver: (delivered: Delivered) => void
  /** An envelope that this node shall hand to a peer as an ENVELOPE frame; `reach` finds the session. */
  readonly onHand: (handed: HandedOver) => void
  /** The body that came by a reply block of this node's own. */
  readonly onReply: (replied: Replied) => void
}

export interface OnionStats {
  /** Cells sent on for others, since the start. */
  readonly forwarded: number
  /** Cells that ended here: parts, answers, and what was handed on. */
  readonly arrived: number
  /** Cells dropped, by reason; those that never happened are left out. */
  readonly dropped: Readonly<Partial<Record<CellDropped, number>>>
}

export class OnionCells extends Context.Service<
  OnionCells,
  {
    /** Sends this node's own cell to a first hop of its own choice, dialling it where no session is open. */
    readonly send: (outgoing: Outgoing) => Effect.Effect<void, CellNotSent>
    /** The same for an answer, whose first hop a stranger chose: it is dialled as `reach` does. */
    readonly answer: (outgoing: Outgoing) => Effect.Effect<void, CellNotSent>
    /**
     * A session to a peer that a cell's header names: the open one; else, if there is an address, one that is dialled
     * under the rules for strangers' addresses and within a budget for all of them.
     */
    readonly reach: (next: NextHopFields) => Effect.Effect<Session, CellNotSent>
    /** Handed out once each; whoever takes some says so by `take`, and more are made when nothing else is to do. */
    readonly ephemerals: EphemeralKeys
    /** One receiver; a second registration is a defect. */
    readonly receive: (receiver: CellReceiver) => Effect.Effect<void>
    readonly stats: () => OnionStats
  }
>()("allium/services/onion/OnionCells") {}
