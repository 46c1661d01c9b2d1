/**
 * The control API of a running node: HTTP on loopback, for its command line and for tools of its operator.
 *
 * Every endpoint wants the bearer token that stands in `control.json` of the data folder, mode 0600: who may read the
 * folder may steer the node. Failures cross as the services' own tagged errors.
 */
import { Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi
} from "effect/http-api"
import { CidFromText } from "#schemas/content/Cid"
import { BlobIncomplete, BlobUnreadable } from "../content/Blobs.ts"
import { InvalidRecord, Privacy, PrivacyUnavailable, PutRefused } from "../dht/Dht.ts"
import { StorageFailed, StoreFull } from "../storage/RecordStore.ts"
import { NodeStatus, PeerStatus } from "./Node.ts"

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

export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {}, { httpApiStatus: 401 }) {}

export class Authorization extends HttpApiMiddleware.Service<Authorization>()(
  "allium/services/node/ControlApi/Authorization",
  { requiredForClient: true, security: { bearer: HttpApiSecurity.bearer }, error: Unauthorized }
) {}

export const PutResult = Schema.Struct({
  cid: Schema.String,
  bytes: Schema.Int,
  blocks: Schema.Int,
  /** The fewest copies that any block reached. */
  replicas: Schema.Int,
  factor: Schema.Int
})
export type PutResult = typeof PutResult.Type

export const ProvideResult = Schema.Struct({
  cid: Schema.String,
  replicas: Schema.Int,
  factor: Schema.Int,
  /** Unix seconds. */
  expires: Schema.Int
})

export const ProviderStatus = Schema.Struct({
  did: Schema.String,
  nodeId: Schema.String,
  /** Unix seconds. */
  issued: Schema.Int,
  expires: Schema.Int
})

const is = HttpApiSchema.status
const storageErrors = [StorageFailed.pipe(is(500)), PrivacyUnavailable.pipe(is(409))] as const
const putErrors = [PutRefused.pipe(is(503)), InvalidRecord.pipe(is(422)), StoreFull.pipe(is(507))] as const

const byCid = { params: { cid: CidFromText } }
const withPrivacy = { query: { privacy: Schema.optional(Privacy) } }

export class ControlGroup extends HttpApiGroup.make("control", { topLevel: true })
  .add(
    HttpApiEndpoint.get("status", "/status", { success: NodeStatus, error: StorageFailed.pipe(is(500)) }),
    HttpApiEndpoint.get("peers", "/peers", { success: Schema.Array(PeerStatus) }),
    HttpApiEndpoint.post("put", "/blobs", {
      ...withPrivacy,
      payload: HttpApiSchema.StreamUint8Array(),
      success: PutResult,
      error: [...storageErrors, ...putErrors]
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
      success: ProvideResult,
      error: [...storageErrors, ...putErrors]
    }),
    HttpApiEndpoint.get("providers", "/providers/:cid", {
      ...byCid,
      success: Schema.Array(ProviderStatus),
      error: [...storageErrors]
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
  .annotateMerge(
    OpenApi.annotations({
      title: "Allium control API",
      version: "1",
      description: "Steers one running node. Loopback only; the token stands in control.json of the data folder."
    })
  ) {}
