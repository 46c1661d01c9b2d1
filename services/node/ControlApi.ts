/**
 * The control API of a running node: HTTP on loopback, for its command line and for tools of its operator.
 *
 * Every endpoint wants the bearer token that stands in `control.json` of the data folder, mode 0600: who may read the
 * folder may steer the node. Failures cross as the services' own tagged errors.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { CidFromText } from "#schemas/content/Cid"
import { NodeIdFromHex } from "#schemas/identity/NodeId"
import { AddressFromText } from "#schemas/transport/Address"
import { BlobIncomplete, BlobUnreadable } from "../content/Blobs.ts"
import { InvalidRecord, NotFound, Privacy, PrivacyUnavailable, PutRefused } from "../dht/Dht.ts"
import { ContentExplanation, PeerExplanation } from "../dht/Diagnostics.ts"
import { ContentStatus } from "../dht/Replicator.ts"
import { StorageFailed, StoreFull } from "../storage/RecordStore.ts"
import { Authorization } from "./Authorization.ts"
import { BackendGroup } from "./BackendApi.ts"
import * as Schemas from "./ControlSchemas.ts"
import { NodeStatus, PeerStatus } from "./Node.ts"
import { RolesGroup } from "./RolesApi.ts"
import { StoreGroup } from "./StoreApi.ts"

/** What stands in the data folder of a running node. */
export const ControlFile = Schema.Struct({
  url: Schema.String,
  token: Schema.String,
  pid: Schema.Int
})
export type ControlFile = typeof ControlFile.Type

/** Its name in the data folder. */
export const CONTROL_FILE = "control.json"

/** Of a `get`: how many bytes will come if nothing goes wrong. A shorter body was cut off. */
export const TOTAL_HEADER = "x-allium-bytes"

const is = HttpApiSchema.status
const storageErrors = [StorageFailed.pipe(is(500)), PrivacyUnavailable.pipe(is(409))] as const
const putErrors = [
  ...storageErrors,
  PutRefused.pipe(is(503)),
  InvalidRecord.pipe(is(422)),
  StoreFull.pipe(is(507))
] as const
const getErrors = [...storageErrors, NotFound.pipe(is(404))] as const

const byCid = { params: { cid: CidFromText } }
const byName = { query: { name: Schemas.PlainName } }
const withPrivacy = { query: { privacy: Schema.optional(Privacy) } }

export class ControlGroup extends HttpApiGroup.make("control", { topLevel: true })
  .add(
    HttpApiEndpoint.get("status", "/status", { success: NodeStatus, error: StorageFailed.pipe(is(500)) }),
    HttpApiEndpoint.get("peers", "/peers", { success: Schema.Array(PeerStatus) }),
    HttpApiEndpoint.post("put", "/blobs", {
      ...withPrivacy,
      payload: HttpApiSchema.StreamUint8Array(),
      success: Schemas.PutResult,
      error: [...putErrors]
    }),
    HttpApiEndpoint.get("get", "/blobs/:cid", {
      ...byCid,
      ...withPrivacy,
      success: HttpApiSchema.WithHeaders(HttpApiSchema.StreamUint8Array(), {
        [TOTAL_HEADER]: Schema.NumberFromString
      }),
      error: [BlobIncomplete.pipe(is(404)), BlobUnreadable.pipe(is(422))]
    }),
    HttpApiEndpoint.post("provide", "/providers/:cid", {
      ...byCid,
      success: Schemas.ProvideResult,
      error: [...putErrors]
    }),
    HttpApiEndpoint.get("providers", "/providers/:cid", {
      ...byCid,
      success: Schema.Array(Schemas.ProviderStatus),
      error: [...storageErrors]
    }),
    // Entries of this node under plain names of the open namespace; all entries, best first.
    HttpApiEndpoint.post("setName", "/names", {
      payload: Schema.Struct({ name: Schemas.PlainName, value: Schemas.NameValue }),
      success: Schemas.NameResult,
      error: [...putErrors]
    }),
    HttpApiEndpoint.delete("deleteName", "/names", { ...byName, success: Schemas.NameResult, error: [...putErrors] }),
    HttpApiEndpoint.get("readName", "/names", {
      ...byName,
      success: Schema.Array(Schemas.NameStatus),
      error: [...getErrors]
    }),
    // Content that this node keeps alive.
    HttpApiEndpoint.get("pins", "/pins", { success: Schema.Array(ContentStatus), error: StorageFailed.pipe(is(500)) }),
    HttpApiEndpoint.put("pin", "/pins/:cid", {
      ...byCid,
      payload: Schemas.KeepRequest,
      success: ContentStatus,
      error: [...getErrors]
    }),
    HttpApiEndpoint.delete("unpin", "/pins/:cid", {
      ...byCid,
      error: [NotFound.pipe(is(404)), StorageFailed.pipe(is(500))]
    }),
    HttpApiEndpoint.get("explainContent", "/explain/content/:cid", {
      ...byCid,
      success: ContentExplanation,
      error: StorageFailed.pipe(is(500))
    }),
    HttpApiEndpoint.get("explainPeer", "/explain/peers/:nodeId", {
      params: { nodeId: NodeIdFromHex },
      query: { address: Schema.optional(AddressFromText) },
      success: PeerExplanation
    }),
    HttpApiEndpoint.post("announceRole", "/roles", {
      payload: Schema.Struct({ role: Schemas.RoleName }),
      success: Schemas.RoleResult,
      error: [...putErrors]
    }),
    HttpApiEndpoint.delete("withdrawRole", "/roles", {
      query: { role: Schemas.RoleName },
      error: StorageFailed.pipe(is(500))
    }),
    HttpApiEndpoint.get("findRole", "/roles", {
      query: { role: Schemas.RoleName },
      success: Schema.Array(Schemas.ProviderStatus),
      error: [...getErrors]
    }),
    HttpApiEndpoint.get("metrics", "/metrics", {
      // The exposition format of Prometheus, for a scraper that is given the token.
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4" }))
    }),
    HttpApiEndpoint.post("stop", "/stop", { success: HttpApiSchema.Accepted })
  )
  .middleware(Authorization) {}

export class ControlApi extends HttpApi.make("allium")
  .add(ControlGroup)
  .add(RolesGroup)
  .add(StoreGroup)
  .add(BackendGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "Allium control API",
      version: "1",
      description: "Steers one running node. Loopback only; the token stands in control.json of the data folder."
    })
  ) {}
