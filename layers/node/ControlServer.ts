/**
 * Serves the control API on 127.0.0.1 and tells where by `control.json` in the data folder.
 *
 * A web page that the operator happens to visit can send requests to loopback, too. It has no token; its browser is
 * sent no CORS header; and a name that was rebound to 127.0.0.1 fails the Host check (DESIGN.md §15).
 */
import { timingSafeEqual } from "node:crypto"
import { renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { hexOf } from "#schemas/bytes/bytes"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Authorization, Unauthorized } from "#services/node/Authorization"
import { Control, ControlUnavailable } from "#services/node/Control"
import { CONTROL_FILE, ControlApi } from "#services/node/ControlApi"
import { DatabaseUnusable } from "#services/storage/DataFolder"
import * as backendHandlers from "./backendHandlers.ts"
import { handlers } from "./controlHandlers.ts"
import * as roleHandlers from "./roleHandlers.ts"
import * as storeHandlers from "./storeHandlers.ts"

export interface ControlOptions {
  readonly folder: string
  /** 0 takes a free one. */
  readonly port: number
  /** Begins the end of the node, without waiting for it: the request that asked for it is still to be answered. */
  readonly stop: Effect.Effect<void>
}

// An import of node:http loads its WebSocket client as well, which takes longer than all else that this file needs.
const { createServer } = process.getBuiltinModule("node:http")

const HOST = "127.0.0.1"
const TOKEN_BYTES = 32
/** What is still being answered at the end has this long. */
const GRACE = "1 second"

const authorization = (token: string) =>
  Layer.effect(
    Authorization,
    Effect.gen(function* () {
      const { sha256 } = yield* Crypto
      // Of equal length whatever was sent, so that the comparison tells nothing by its time.
      const digest = (text: string) => sha256(new TextEncoder().encode(text))
      const expected = digest(token)
      return Authorization.of({
        bearer: (answer, { credential }) =>
          timingSafeEqual(digest(Redacted.value(credential)), expected) ? answer : Effect.fail(new Unauthorized())
      })
    })
  )

/** Answers only to the names by which a program on this machine calls it. */
const hostCheck = HttpRouter.middleware(
  (answer) =>
    Effect.gen(function* () {
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      const host = (headers["host"] ?? "").replace(/:\d+$/, "")
      return host === HOST || host === "localhost" ? yield* answer : HttpServerResponse.empty({ status: 421 })
    }),
  { global: true }
)

/** Written whole or not at all, readable for its owner only; gone when the node has ended. */
const announce = (folder: string, content: string) => {
  const file = join(folder, CONTROL_FILE)
  return Effect.acquireRelease(
    Effect.try({
      try: () => {
        writeFileSync(`${file}.new`, content, { mode: 0o600, flush: true })
        renameSync(`${file}.new`, file)
      },
      catch: (cause) => new DatabaseUnusable({ file, reason: cause instanceof Error ? cause.message : String(cause) })
    }),
    () => Effect.sync(() => rmSync(file, { force: true }))
  )
}

const make = (options: ControlOptions, token: string) =>
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const port = "port" in address ? address.port : options.port
    const url = `http://${HOST}:${port}`
    yield* announce(options.folder, `${JSON.stringify({ url, token, pid: process.pid })}\n`)
    return Control.of({ url })
  })

export const layer = (options: ControlOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const token = hexOf((yield* SecureRandom).bytes(TOKEN_BYTES))
      const routes = HttpApiBuilder.layer(ControlApi, { openapiPath: "/openapi.json" }).pipe(
        Layer.provide([handlers(options.stop), roleHandlers.handlers(options.folder), backendHandlers.handlers]),
        Layer.provide(storeHandlers.handlers),
        Layer.provide(authorization(token))
      )
      const served = HttpRouter.serve(Layer.mergeAll(routes, hostCheck), {
        disableLogger: true,
        disableListenLog: true
      })
      // Announced once it answers, and no longer announced when it closes.
      return Layer.effect(Control, make(options, token)).pipe(
        Layer.provide(served),
        Layer.provide(
          NodeHttpServer.layer(createServer, { host: HOST, port: options.port, gracefulShutdownTimeout: GRACE })
        ),
        Layer.catchTag("ServeError", ({ cause }) => Layer.effect(Control, unavailable(options.port, cause)))
      )
    })
  )

const unavailable = (port: number, cause: unknown) =>
  Effect.fail(new ControlUnavailable({ port, reason: cause instanceof Error ? cause.message : String(cause) }))
