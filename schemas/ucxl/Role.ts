/**
 * Roles of a network that keeps encrypted content: what each may do, to whose keys it is encrypted, whose content it reads
 * (DESIGN.md §10). Declared in TOML by the network's authority, published by it as one record (`RoleList`).
 */
import { Schema } from "effect"
import { PublicKey } from "#schemas/identity/PublicKey"
import { isRecipient } from "./ageKeys.ts"

/** What a role may do, each more than the one before; its index is the role of its grants (WIRE.md §6), 0 has none. */
export const LEVELS = ["read-only", "suggestion", "execution", "coordination", "master"] as const
export const Level = Schema.Literals(LEVELS)
export type Level = typeof Level.Type

/** The role of a grant that goes with a level; 0: no grant. */
export const grantRoleOf = (level: Level): number => LEVELS.indexOf(level)

/** Reads what every role wrote. */
export const EVERY_ROLE = "*"

export const ROLES_LIMIT = 64
/** Of one role. */
export const RECIPIENTS_LIMIT = 16
export const MEMBERS_LIMIT = 32

/** Letters of a role's name, at most: its members announce it, as "role/" and the name, in 64 bytes (WIRE.md §6). */
export const ROLE_NAME_LIMIT = 59

/** As a part of an address is written, so that addresses can name it. */
export const RoleName = Schema.String.check(
  Schema.isMaxLength(ROLE_NAME_LIMIT),
  Schema.isPattern(/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/)
)

/** An X25519 recipient of age, `age1…` in Bech32, its checksum included: content is encrypted to no mistyped key. */
export const AgeRecipient = Schema.String.check(Schema.makeFilter(isRecipient, { expected: "an age1… recipient" }))

export const Role = Schema.Struct({
  name: RoleName,
  level: Level,
  /** To each of them content is encrypted; whoever holds the identity of one reads it. */
  recipients: Schema.Array(AgeRecipient).check(Schema.isMaxLength(RECIPIENTS_LIMIT)),
  /** Whose content it reads besides its own: names of roles, or `*`. */
  canDecrypt: Schema.Array(Schema.Union([RoleName, Schema.Literal(EVERY_ROLE)])).check(Schema.isMaxLength(ROLES_LIMIT)),
  /** Nodes that store in its name; each gets a grant of its level. */
  members: Schema.Array(PublicKey).check(Schema.isMaxLength(MEMBERS_LIMIT))
})
export type Role = typeof Role.Type
