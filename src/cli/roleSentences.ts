/** What failures about roles and their keys are called to the person who typed the command. */
import type { UnknownRole } from "#services/ucxl/EncryptedStore"
import type { NoAuthority, NotAuthority, RolesInvalid, RolesUnavailable } from "#services/ucxl/RoleDirectory"
import type { KeyFileUnusable, KeysLocked, NoRoleKey, WrongPassphrase } from "#services/ucxl/RoleKeys"

export type RoleError =
  | NoAuthority
  | NotAuthority
  | RolesInvalid
  | RolesUnavailable
  | UnknownRole
  | KeyFileUnusable
  | KeysLocked
  | NoRoleKey
  | WrongPassphrase

const TAGS: Record<RoleError["_tag"], true> = {
  NoAuthority: true,
  NotAuthority: true,
  RolesInvalid: true,
  RolesUnavailable: true,
  UnknownRole: true,
  KeyFileUnusable: true,
  KeysLocked: true,
  NoRoleKey: true,
  WrongPassphrase: true
}

export const isRoleError = (error: { readonly _tag: string }): error is RoleError => Object.hasOwn(TAGS, error._tag)

export const roleSentence = (error: RoleError): string => {
  switch (error._tag) {
    case "NoAuthority":
      return `this node goes by nobody's roles: set authority in allium.toml to the did of whoever keeps them, or run "allium role init", and restart it`
    case "NotAuthority":
      return `only the node of ${error.authority} publishes roles here: change them there`
    case "RolesInvalid":
      return error.role === ""
        ? `these roles cannot be published: ${error.reason}`
        : `these roles cannot be published: "${error.role}" ${error.reason}`
    case "RolesUnavailable":
      return `the roles are not known yet: ${error.reason}; look whether this node is connected ("allium peers") and its authority is the right one`
    case "UnknownRole":
      return error.known.length === 0
        ? `there is no role "${error.role}", and none at all: the authority adds one with "allium role add"`
        : `there is no role "${error.role}": there are ${error.known.join(", ")}`
    case "KeysLocked":
      return `the keys in ${error.file} are sealed: give the passphrase to "allium role unlock", or to the node in ALLIUM_ROLE_PASSPHRASE`
    case "WrongPassphrase":
      return `that is not the passphrase of ${error.file}: try again`
    case "KeyFileUnusable":
      return `the keys in ${error.file} cannot be used: ${error.reason}`
    case "NoRoleKey":
      return `this node has no key of the role "${error.role}": make one with "allium role key ${error.role}"`
  }
}
