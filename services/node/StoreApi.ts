/** Encrypted content and the log of audit, for a node's command line. Plaintext goes in and out here, over loopback only. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { BlobIncomplete, BlobUnreadable } from "../content/Blobs.ts"
import { InvalidRecord, NotFound, PrivacyUnavailable, PutRefused } from "../dht/Dht.ts"
import { StorageFailed, StoreFull } from "../storage/RecordStore.ts"
import { AuditEntry, AuditVerdict } from "../ucxl/AuditLog.ts"
import { Criteria, IndexItem } from "../ucxl/ContentIndex.ts"
import {
  ContentTooLarge,
  Denied,
  InvalidAddress,
  NotForUs,
  RotationIncomplete,
  Tampered,
  UnknownRole
} from "../ucxl/EncryptedStore.ts"
import { NoAuthority, RolesUnavailable } from "../ucxl/RoleDirectory.ts"
import { KeyFileUnusable, KeysLocked } from "../ucxl/RoleKeys.ts"
import { Authorization } from "./Authorization.ts"
import { ProviderStatus, Receipt } from "./ControlSchemas.ts"

/** Items of one answer, lines of audit as well. */
export const LISTED_LIMIT = 10_000

/** Of a `get`: what is told of the content, as JSON whose letters are percent-encoded. */
export const ABOUT_HEADER = "x-allium-about"

// An address is taken as it was typed: the service says what is wrong with it, and writes that down.
const AddressText = Schema.String.check(Schema.isMaxLength(1_024))
const RoleText = Schema.String.check(Schema.isMaxLength(256))
const TypeText = Schema.String.check(Schema.isMaxLength(256))
const CidTextLimited = Schema.String.check(Schema.isMaxLength(128))
const Limit = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: LISTED_LIMIT }))

/** Of content, as its metadata says. */
const Content = {
  contentType: Schema.String,
  /** Bytes of the plaintext. */
  size: Schema.Int,
  /** Unix milliseconds. */
  timestamp: Schema.Int
}

/** Of content, to whoever may know for whom it is. */
const Version = { creatorRole: Schema.String, encryptedFor: Schema.Array(Schema.String), ...Content }

export const StoredStatus = Schema.Struct({
  address: Schema.String,
  /** `/ALLIUM/ucxl/<base64url SHA-256 of the address>`. */
  path: Schema.String,
  cid: Schema.String,
  ...Version,
  seq: Schema.Int,
  ...Receipt
})
export type StoredStatus = typeof StoredStatus.Type

/** What comes with content. */
export const RetrievedStatus = Schema.Struct({
  address: Schema.String,
  creatorRole: Schema.String,
  ...Content,
  author: Schema.String,
  seq: Schema.Int,
  cached: Schema.Boolean
})
export type RetrievedStatus = typeof RetrievedStatus.Type

export const VersionStatus = Schema.Struct({
  cid: Schema.String,
  /** By which `get` names it. */
  metadataCid: Schema.String,
  ...Version
})
export type VersionStatus = typeof VersionStatus.Type

export const RotationStatus = Schema.Struct({
  done: Schema.Int,
  total: Schema.Int,
  failed: Schema.Int,
  address: Schema.String,
  reason: Schema.String
})
export type RotationStatus = typeof RotationStatus.Type

export const StoreStatsStatus = Schema.Struct({
  stored: Schema.Finite,
  retrieved: Schema.Finite,
  denied: Schema.Finite,
  failed: Schema.Finite,
  cacheHits: Schema.Finite,
  cacheMisses: Schema.Finite,
  encryptions: Schema.Finite,
  decryptions: Schema.Finite,
  cachedItems: Schema.Finite,
  cachedBytes: Schema.Finite,
  cacheLimit: Schema.Finite,
  /** Milliseconds. */
  meanStore: Schema.Finite,
  meanRetrieve: Schema.Finite,
  indexed: Schema.Finite
})
export type StoreStatsStatus = typeof StoreStatsStatus.Type

/** What is asked for, as the query of a request: numbers as text. */
export const SearchQuery = Schema.Struct({
  ...Criteria.fields,
  createdAfter: Schema.optional(Schema.FiniteFromString.check(Schema.isInt())),
  createdBefore: Schema.optional(Schema.FiniteFromString.check(Schema.isInt())),
  limit: Limit
})

const is = HttpApiSchema.status
const storageFailed = StorageFailed.pipe(is(500))
const roleErrors = [NoAuthority.pipe(is(409)), RolesUnavailable.pipe(is(503)), UnknownRole.pipe(is(404))] as const
const keyErrors = [KeysLocked.pipe(is(423)), KeyFileUnusable.pipe(is(500))] as const
const contentErrors = [
  InvalidAddress.pipe(is(422)),
  Denied.pipe(is(403)),
  ContentTooLarge.pipe(is(413)),
  PrivacyUnavailable.pipe(is(409)),
  storageFailed
] as const
const putErrors = [PutRefused.pipe(is(503)), InvalidRecord.pipe(is(422)), StoreFull.pipe(is(507))] as const
const storeErrors = [...contentErrors, ...roleErrors, ...putErrors] as const
const retrieveErrors = [
  ...contentErrors,
  ...roleErrors,
  ...keyErrors,
  NotForUs.pipe(is(403)),
  Tampered.pipe(is(422)),
  NotFound.pipe(is(404)),
  BlobIncomplete.pipe(is(404)),
  BlobUnreadable.pipe(is(422))
] as const
const allErrors = [...retrieveErrors, ...putErrors] as const

const byAddress = { address: AddressText }

export class StoreGroup extends HttpApiGroup.make("store")
  .add(
    HttpApiEndpoint.post("put", "/store", {
      query: { ...byAddress, role: RoleText, type: TypeText },
      payload: HttpApiSchema.StreamUint8Array(),
      success: StoredStatus,
      error: [...storeErrors]
    }),
    // The newest version, or an older one by the CID of its metadata.
    HttpApiEndpoint.get("get", "/store", {
      query: { ...byAddress, version: Schema.optional(CidTextLimited) },
      success: HttpApiSchema.WithHeaders(HttpApiSchema.StreamUint8Array(), { [ABOUT_HEADER]: Schema.String }),
      error: [...retrieveErrors]
    }),
    HttpApiEndpoint.delete("remove", "/store", {
      query: byAddress,
      error: [...storeErrors, NotFound.pipe(is(404))]
    }),
    HttpApiEndpoint.get("search", "/store/items", {
      query: SearchQuery.fields,
      success: Schema.Array(IndexItem),
      error: storageFailed
    }),
    HttpApiEndpoint.get("listByRole", "/store/roles/:role", {
      params: { role: RoleText },
      query: { limit: Limit },
      success: Schema.Array(IndexItem),
      error: storageFailed
    }),
    HttpApiEndpoint.get("history", "/store/history", {
      query: byAddress,
      success: HttpApiSchema.StreamSse({ data: VersionStatus, error: Schema.Union([...retrieveErrors]) })
    }),
    HttpApiEndpoint.post("share", "/store/share", {
      payload: Schema.Struct({ ...byAddress, role: RoleText }),
      success: StoredStatus,
      error: [...allErrors]
    }),
    HttpApiEndpoint.post("announce", "/store/announce", {
      payload: Schema.Struct(byAddress),
      error: [...allErrors]
    }),
    HttpApiEndpoint.get("discover", "/store/providers", {
      query: byAddress,
      success: Schema.Array(ProviderStatus),
      error: [...retrieveErrors]
    }),
    HttpApiEndpoint.post("rotate", "/store/rotate", {
      payload: Schema.Struct({ role: RoleText }),
      success: HttpApiSchema.StreamSse({
        data: RotationStatus,
        error: Schema.Union([...allErrors, RotationIncomplete])
      })
    }),
    HttpApiEndpoint.get("stats", "/store/stats", { success: StoreStatsStatus, error: storageFailed }),
    // The newest lines, ascending; `followAudit` goes on with each that is written from then on.
    HttpApiEndpoint.get("audit", "/store/audit", {
      query: { limit: Limit },
      success: Schema.Array(AuditEntry),
      error: storageFailed
    }),
    HttpApiEndpoint.get("followAudit", "/store/audit/follow", {
      query: { limit: Limit },
      success: HttpApiSchema.StreamSse({ data: AuditEntry, error: StorageFailed })
    }),
    HttpApiEndpoint.get("verifyAudit", "/store/audit/verdict", { success: AuditVerdict, error: storageFailed })
  )
  .middleware(Authorization) {}
