/**
 * Nodes that carry out this node's operations for it and do not learn whose they are (DESIGN.md §6, Privacy): each is a
 * server of the DHT, drawn by lot for every operation, reached by an onion route of whose relays it is none, and answers
 * by reply blocks. It does in its own name what was asked, so nobody else learns who asked either.
 *
 * Any of them may lie. What they show is checked here as every answer is; what they leave out, another may show; that
 * they have placed something is hearsay.
 */
import { Context, type Effect } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PrivacyUnavailable, PutRefused } from "./Dht.ts"
import type { CheckedRecord } from "./RecordValidators.ts"

export interface AnonymousFinds {
  /** Checked, of each member the newest; best first, and their bytes the caller's to keep. */
  readonly records: ReadonlyArray<CheckedRecord>
  /** Delegates that answered. */
  readonly asked: number
}

/** One record on its way out. */
export interface AnonymousPut {
  readonly kind: RecordKind
  readonly key: Uint8Array
  readonly bytes: Uint8Array
  /** Seconds; cut to `ANONYMOUS_LIFETIME`. */
  readonly lifetime: number
}

/** As the delegate told it. */
export interface AnonymousReceipt {
  readonly reached: number
  readonly factor: number
  /** Unix seconds. */
  readonly expires: number
}

export class Delegates extends Context.Service<
  Delegates,
  {
    /**
     * What is under a key: content from the first delegate that shows it, `asked` being those that had none; anything
     * that changes or is a set from `DELEGATES_AGREEING`, merged.
     */
    readonly find: (kind: RecordKind, key: Uint8Array) => Effect.Effect<AnonymousFinds, PrivacyUnavailable>
    /** The newest record of a node that a delegate finds; undefined where none is found, or nobody could be asked. */
    readonly findNode: (nodeId: NodeId) => Effect.Effect<Contact | undefined>
    /** Has it placed on the nodes closest to its key, with the work that this takes. */
    readonly place: (put: AnonymousPut) => Effect.Effect<AnonymousReceipt, PutRefused | PrivacyUnavailable>
  }
>()("allium/services/dht/Delegates") {}
