/** The part of a session layer that differs: how two ends agree on who they are, and how frames are sealed after that. */
import type { NodeId } from "#schemas/identity/NodeId"
import type { Address } from "#schemas/transport/Address"
import type { Introduced } from "./introductions.ts"

/** One direction's key. */
export interface Cipher {
  /** Ciphertext in pieces, the mac last. */
  readonly seal: (associated: Uint8Array, parts: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>
  readonly open: (associated: Uint8Array, sealed: Uint8Array) => Uint8Array | undefined
  readonly rekey: () => void
}

export interface Established extends Introduced {
  readonly send: Cipher
  readonly receive: Cipher
}

/** Why a handshake did not end in a session, told apart for logs and counters. */
export type Refusal =
  | "timeout"
  | "malformed"
  | "bad mac"
  | "zero agreement"
  | "record malformed"
  | "record expired"
  | "record premature"
  | "record forged"
  | "other static key"
  | "wrong peer"
  | "own node"
  | "banned"

/** Sends one message, given in parts. */
export type Say = (parts: ReadonlyArray<Uint8Array>) => void

/** One handshake under way, as its side sees it: told what the other says, it says what there is to say. */
export interface Handshake<A> {
  readonly begin: (say: Say) => void
  /** What has come of it; undefined while it goes on. */
  readonly hear: (message: Uint8Array, say: Say) => A | Refusal | undefined
}

/** `observed` is where the other side is seen. */
export interface Handshaker {
  /** Stops before it shows itself when another peer than the expected one answers. */
  readonly dial: (expected: NodeId, observed: Address) => Handshake<Established>
  /** As much of `dial` as proves who answers. This side has shown nothing of itself by then, and goes no further. */
  readonly probe: (expected: NodeId) => Handshake<Introduced>
  readonly accept: (observed: Address) => Handshake<Established>
}
