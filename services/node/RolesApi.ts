/** The roles of the network and this node's keys of them, for its command line. No secret key ever comes out here. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Level, RoleName } from "#schemas/ucxl/Role"
import { InvalidRecord, NotFound, PrivacyUnavailable, PutRefused } from "../dht/Dht.ts"
import { StorageFailed, StoreFull } from "../storage/RecordStore.ts"
import { UnknownRole } from "../ucxl/EncryptedStore.ts"
import { NoAuthority, NotAuthority, RolesInvalid, RolesUnavailable } from "../ucxl/RoleDirectory.ts"
import { KeyFileUnusable, KeysLocked, WrongPassphrase } from "../ucxl/RoleKeys.ts"
import { Authorization } from "./Authorization.ts"
import { ProviderStatus, Receipt } from "./ControlSchemas.ts"

/** Letters of a passphrase, or of a key to be taken in. */
export const SECRET_TEXT_LIMIT = 1_024

const Secret = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(SECRET_TEXT_LIMIT))

export const RoleStatus = Schema.Struct({
  name: Schema.String,
  level: Level,
  recipients: Schema.Array(Schema.String),
  canDecrypt: Schema.Array(Schema.String),
  /** The members' dids. */
  members: Schema.Array(Schema.String),
  /** Names of all roles that read what it stores, itself first. */
  readers: Schema.Array(Schema.String),
  /** Whether this node is a member, and until which unix second it may store; null where it may not at all. */
  own: Schema.Boolean,
  grantExpires: Schema.NullOr(Schema.Int)
})
export type RoleStatus = typeof RoleStatus.Type

export const RoleListStatus = Schema.Struct({
  /** The did of whose list it is, and whether that is this node. */
  authority: Schema.String,
  isAuthority: Schema.Boolean,
  seq: Schema.Int,
  roles: Schema.Array(RoleStatus)
})
export type RoleListStatus = typeof RoleListStatus.Type

/** Who announced a role: nodes whose grant the storage nodes have seen, latest first. */
export const RoleHolders = Schema.Struct({ role: RoleStatus, announced: Schema.Array(ProviderStatus) })
export type RoleHolders = typeof RoleHolders.Type

export const RolesPublished = Schema.Struct({ seq: Schema.Int, roles: Schema.Int, ...Receipt })
export type RolesPublished = typeof RolesPublished.Type

/** What others may know of a key. */
export const RoleKeyStatus = Schema.Struct({ role: Schema.String, recipient: Schema.String })
export type RoleKeyStatus = typeof RoleKeyStatus.Type

const is = HttpApiSchema.status
const listErrors = [NoAuthority.pipe(is(409)), RolesUnavailable.pipe(is(503))] as const
const keyErrors = [KeysLocked.pipe(is(423)), KeyFileUnusable.pipe(is(500))] as const
const storageErrors = [StorageFailed.pipe(is(500)), PrivacyUnavailable.pipe(is(409))] as const

export class RolesGroup extends HttpApiGroup.make("roles")
  .add(
    HttpApiEndpoint.get("list", "/role-list", { success: RoleListStatus, error: [...listErrors] }),
    // The list that stands in roles.toml of the data folder.
    HttpApiEndpoint.post("publish", "/role-list", {
      success: RolesPublished,
      error: [
        ...storageErrors,
        NoAuthority.pipe(is(409)),
        NotAuthority.pipe(is(403)),
        RolesInvalid.pipe(is(422)),
        PutRefused.pipe(is(503)),
        InvalidRecord.pipe(is(422)),
        StoreFull.pipe(is(507))
      ]
    }),
    HttpApiEndpoint.get("holders", "/role-list/:role", {
      params: { role: RoleName },
      success: RoleHolders,
      error: [...listErrors, ...storageErrors, UnknownRole.pipe(is(404)), NotFound.pipe(is(404))]
    }),
    HttpApiEndpoint.get("keys", "/role-keys", { success: Schema.Array(RoleKeyStatus), error: [...keyErrors] }),
    HttpApiEndpoint.post("addKey", "/role-keys", {
      payload: Schema.Struct({ role: RoleName, identity: Schema.optional(Secret) }),
      success: RoleKeyStatus,
      error: [...keyErrors]
    }),
    HttpApiEndpoint.post("unlockKeys", "/role-keys/unlock", {
      payload: Schema.Struct({ passphrase: Secret }),
      error: [WrongPassphrase.pipe(is(403)), KeyFileUnusable.pipe(is(500))]
    }),
    HttpApiEndpoint.post("sealKeys", "/role-keys/seal", {
      payload: Schema.Struct({ passphrase: Schema.NullOr(Secret) }),
      error: [...keyErrors]
    })
  )
  .middleware(Authorization) {}
