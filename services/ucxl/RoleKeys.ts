/**
 * This node's own keys of roles: age identities (X25519), by which it reads what is encrypted to them. In a file of the
 * data folder, mode 0600, which a passphrase may seal; the `age` command reads it, sealed or not.
 */
import { Context, type Effect, type Redacted, Schema } from "effect"

/** The file is sealed, and nobody has given the passphrase since the node started. */
export class KeysLocked extends Schema.TaggedError<KeysLocked>()("KeysLocked", { file: Schema.String }) {}

export class WrongPassphrase extends Schema.TaggedError<WrongPassphrase>()("WrongPassphrase", {
  file: Schema.String
}) {}

/** The file cannot be read or written, is open to others, or holds no keys; `reason` says which. Nothing was changed. */
export class KeyFileUnusable extends Schema.TaggedError<KeyFileUnusable>()("KeyFileUnusable", {
  file: Schema.String,
  reason: Schema.String
}) {}

/** This node has no key of the role. */
export class NoRoleKey extends Schema.TaggedError<NoRoleKey>()("NoRoleKey", { role: Schema.String }) {}

export interface RoleKey {
  readonly role: string
  /** `age1…`: for the authority's list. */
  readonly recipient: string
  /** `AGE-SECRET-KEY-1…`. */
  readonly identity: Redacted.Redacted<string>
}

export class RoleKeys extends Context.Service<
  RoleKeys,
  {
    /** All of them, in the order in which they were made; several of one role after a rotation, latest last. */
    readonly list: Effect.Effect<ReadonlyArray<RoleKey>, KeysLocked | KeyFileUnusable>
    /** Makes a key, or takes the given identity in; durable when it returns. */
    readonly add: (
      role: string,
      identity?: Redacted.Redacted<string>
    ) => Effect.Effect<RoleKey, KeysLocked | KeyFileUnusable>
    /** The latest key of a role. */
    readonly find: (role: string) => Effect.Effect<RoleKey, NoRoleKey | KeysLocked | KeyFileUnusable>
    /** Reads a sealed file; nothing happens where it is not sealed. */
    readonly unlock: (passphrase: Redacted.Redacted<string>) => Effect.Effect<void, WrongPassphrase | KeyFileUnusable>
    /** Writes the file anew, sealed by a passphrase, or open where it is undefined. */
    readonly seal: (
      passphrase: Redacted.Redacted<string> | undefined
    ) => Effect.Effect<void, KeysLocked | KeyFileUnusable>
  }
>()("allium/services/ucxl/RoleKeys") {}
