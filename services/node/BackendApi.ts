/** The two backends of a Dht that falls back, for the command line: which answers, and the switch by hand. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { BackendMode, BackendsStatus, FallbackOff } from "../dht/Backends.ts"
import { StorageFailed } from "../storage/RecordStore.ts"
import { Authorization } from "./Authorization.ts"

const is = HttpApiSchema.status
const errors = [FallbackOff.pipe(is(409)), StorageFailed.pipe(is(500))] as const

export class BackendGroup extends HttpApiGroup.make("backend", { topLevel: true })
  .add(
    HttpApiEndpoint.get("backends", "/backend", { success: BackendsStatus, error: [...errors] }),
    HttpApiEndpoint.put("selectBackend", "/backend", {
      payload: Schema.Struct({ mode: BackendMode }),
      success: BackendsStatus,
      error: [...errors]
    })
  )
  .middleware(Authorization) {}
