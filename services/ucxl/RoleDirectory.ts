/**
 * The roles of the network, as its authority published them: one mutable record under its key and the salt "roles", and
 * that key stands in the settings. Recipients from anywhere else are never used.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { Directory } from "#core/ucxl/Directory"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { Role } from "#schemas/ucxl/Role"
import type { PutError, VersionReceipt } from "../dht/Dht.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"

/** The settings name no authority: there are no roles here. */
export class NoAuthority extends Schema.TaggedError<NoAuthority>()("NoAuthority", {}) {}

/** What the settings name as authority is nobody. */
export class AuthorityInvalid extends Schema.TaggedError<AuthorityInvalid>()("AuthorityInvalid", {
  authority: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `the setting authority = "${this.authority}" is ${this.reason}: give what "allium role init" printed there, or nothing`
  }
}

/** The authority's record cannot be had, and none was seen before; or what it holds is no list of roles. */
export class RolesUnavailable extends Schema.TaggedError<RolesUnavailable>()("RolesUnavailable", {
  reason: Schema.String
}) {}

/** Only the node whose key is the authority publishes. */
export class NotAuthority extends Schema.TaggedError<NotAuthority>()("NotAuthority", { authority: Schema.String }) {}

/** The roles contradict themselves or a limit; `role` is the one that does, or empty. */
export class RolesInvalid extends Schema.TaggedError<RolesInvalid>()("RolesInvalid", {
  role: Schema.String,
  reason: Schema.String
}) {}

export type DirectoryError = NoAuthority | RolesUnavailable

export class RoleDirectory extends Context.Service<
  RoleDirectory,
  {
    readonly authority: PublicKey | undefined
    /**
     * The newest list that was seen: of this run, of the runs before, else from the DHT. Looked for again in the
     * background at the pace of `RolesAgain`; an older one never takes the place of a newer.
     */
    readonly current: Effect.Effect<Directory, DirectoryError>
    /** Asks the DHT now. */
    readonly refresh: Effect.Effect<Directory, DirectoryError>
    /**
     * Whether there is a newer list than that of `seq`: before somebody is refused for what a list says. Asks the DHT where
     * none is known, unless that was done within `RolesFreshFor`. Then `current` is the newer one.
     */
    readonly isBehind: (seq: number) => Effect.Effect<boolean>
    /** Signs grants for all members and publishes; on the authority's node only. Grants are renewed while it runs. */
    readonly publish: (
      roles: ReadonlyArray<Role>
    ) => Effect.Effect<VersionReceipt, NotAuthority | NoAuthority | RolesInvalid | PutError | StorageFailed>
    /** Each list that took the place of an older one, from now on. */
    readonly changes: Stream.Stream<Directory>
  }
>()("allium/services/ucxl/RoleDirectory") {}
