/** Where a node's two long-lived secrets are kept. */
import { Context, type Effect, type Redacted, Schema } from "effect"

/** Other accounts of this machine may read the keys, so they may already have. Mended by hand, not by the node. */
export class KeysExposed extends Schema.TaggedError<KeysExposed>()("KeysExposed", {
  file: Schema.String,
  /** Octal permission bits, as `ls` would count them. */
  mode: Schema.String
}) {
  override get message(): string {
    return `others can read the keys in ${this.file} (mode ${this.mode}); run: chmod 600 ${this.file}`
  }
}

/** The file is there and is not a key file. Never overwritten: what is left of it may be the only copy. */
export class KeysCorrupt extends Schema.TaggedError<KeysCorrupt>()("KeysCorrupt", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `the keys in ${this.file} cannot be used: ${this.reason}; restore the file, or move it away for a new identity`
  }
}

/** The file cannot be read or made: permissions, a full disk. */
export class KeysUnreachable extends Schema.TaggedError<KeysUnreachable>()("KeysUnreachable", {
  file: Schema.String,
  /** The system's word, such as EACCES. */
  reason: Schema.String
}) {
  override get message(): string {
    return `the keys in ${this.file} cannot be read or created: ${this.reason}`
  }
}

export type KeyStoreError = KeysExposed | KeysCorrupt | KeysUnreachable

export interface SecretKeys {
  /** Ed25519 seed, 32 bytes: who the node is. */
  readonly seed: Redacted.Redacted<Uint8Array>
  /** X25519 static secret of Noise, 32 bytes. */
  readonly noise: Redacted.Redacted<Uint8Array>
}

export class KeyStore extends Context.Service<
  KeyStore,
  {
    /** The kept keys; the first time ever they are made. The same ones at every later call. */
    readonly load: Effect.Effect<SecretKeys, KeyStoreError>
  }
>()("allium/services/identity/KeyStore") {}
