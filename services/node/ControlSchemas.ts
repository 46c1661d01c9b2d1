/** What goes over the control API and belongs to no service: results as text and numbers, and the limits of input. */
import { Schema } from "effect"
import { textUpTo } from "#schemas/bytes/fields"
import { NAMED_LIMIT } from "#schemas/dht/Name"
import { PutStatus } from "../dht/Dht.ts"
import { MOST_REPLICAS } from "../dht/Limits.ts"

/**
 * Bytes of a plain name in UTF-8. On the network a name is a hash, of whatever length it was; here it is an argument of
 * a command, and a longer one is a mistake.
 */
export const NAME_BYTES = 256

/** Bytes of a role in UTF-8: an announcement's name has 64, and begins with "role/". */
export const ROLE_BYTES = 59

/** Of what is pinned, so much is listed: each costs a line and a few reads of the database. */
export const PINS_LISTED = 10_000

export const PlainName = textUpTo(NAME_BYTES).check(Schema.isNonEmpty())
export const RoleName = textUpTo(ROLE_BYTES).check(Schema.isNonEmpty())

/** An empty value would delete, and is asked for by a verb of its own. */
export const NameValue = Schema.Uint8Array.check(Schema.isBetweenLength(1, NAMED_LIMIT))

/**
 * Of what was stored, or waits in the node's outbox: how many nodes hold it (of more than one record the fewest that any of
 * them reached), of how many were wanted, and until which unix second all of it is held unless it is refreshed.
 */
export const Receipt = { status: PutStatus, replicas: Schema.Int, factor: Schema.Int, expires: Schema.Int }

export const PutResult = Schema.Struct({ cid: Schema.String, bytes: Schema.Int, blocks: Schema.Int, ...Receipt })
export type PutResult = typeof PutResult.Type

export const ProvideResult = Schema.Struct({ cid: Schema.String, ...Receipt })

export const NameResult = Schema.Struct({ name: Schema.String, seq: Schema.Int, ...Receipt })
export type NameResult = typeof NameResult.Type

export const RoleResult = Schema.Struct({ role: Schema.String, ...Receipt })

/** Somebody who announced something. */
export const ProviderStatus = Schema.Struct({
  did: Schema.String,
  nodeId: Schema.String,
  /** Unix seconds. */
  issued: Schema.Int,
  expires: Schema.Int
})
export type ProviderStatus = typeof ProviderStatus.Type

/** An entry under a name. */
export const NameStatus = Schema.Struct({
  name: Schema.String,
  value: Schema.Uint8Array,
  /** The author's did. */
  author: Schema.String,
  /** Whether this node is the author. */
  own: Schema.Boolean,
  seq: Schema.Int,
  /** Unix seconds. */
  issued: Schema.Int,
  expires: Schema.Int
})
export type NameStatus = typeof NameStatus.Type

export const Factor = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MOST_REPLICAS }))
export const Priority = Schema.Int.check(Schema.isBetween({ minimum: -1_000, maximum: 1_000 }))

/** How content is to be kept; the node's own settings where nothing is said. */
export const KeepRequest = Schema.Struct({ factor: Schema.optional(Factor), priority: Schema.optional(Priority) })
