/**
 * Cells in and out of this node (WIRE §4): takes one layer off each, sends on what is for others within the limits of
 * the session that it came from, and hands what is for this node to whoever understands it. Knows no messages.
 *
 * It also keeps what cells are made of: the onion keys of the day, the replay set, ephemeral keys made ahead.
 */
import { Context, type Effect, Schema } from "effect"
import type { Outgoing } from "#core/onion/buildRequest"
import type { EphemeralKeys } from "#core/onion/EphemeralKeys"
import type { Peeled } from "#core/onion/peel"

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

/** Synchronous; called once a cell, from the frame handler. */
export interface CellReceiver {
  /** A part of an envelope for this node. */
  readonly onDeliver: (delivered: Delivered) => void
  /** An envelope that this node shall hand to a peer as an ENVELOPE frame. */
  readonly onHand: (handed: HandedOver) => void
  /** The body that came by a reply block of this node's own. */
  readonly onReply: (replied: Replied) => void
}

export interface OnionStats {
  /** Cells sent on for others, since the start. */
  readonly forwarded: number
  /** Cells that ended here: parts, answers, and what was handed on. */
  readonly arrived: number
  /** Cells dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

export class OnionCells extends Context.Service<
  OnionCells,
  {
    /** Sends this node's own cell to its first hop, dialling it where no session is open. */
    readonly send: (outgoing: Outgoing) => Effect.Effect<void, CellNotSent>
    /** Handed out once each; whoever takes some says so by `take`, and more are made when nothing else is to do. */
    readonly ephemerals: EphemeralKeys
    /** One receiver; a second registration is a defect. */
    readonly receive: (receiver: CellReceiver) => Effect.Effect<void>
    readonly stats: () => OnionStats
  }
>()("allium/services/onion/OnionCells") {}
