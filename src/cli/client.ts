/** The command line's side of the control API: finds the running node of a data folder and speaks to it. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { FetchHttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { Authorization } from "#services/node/Authorization"
import { CONTROL_FILE, ControlApi, ControlFile } from "#services/node/ControlApi"
import { type Failure, failure } from "./Failure.ts"
import { patiently } from "./progress.ts"
import { type Tellable, toFailure } from "./sentences.ts"

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(ControlFile))

/** The sentence for every way in which no node answers. */
const noNode = (data: string) =>
  failure(`no node is running on ${data}: start one with "allium node --data ${data}", or name its folder with --data`)

const announced = (data: string) =>
  Effect.try({ try: () => readFileSync(join(data, CONTROL_FILE), "utf8"), catch: () => noNode(data) }).pipe(
    Effect.flatMap(decode),
    Effect.catchTag("SchemaError", () => Effect.fail(noNode(data)))
  )

/** The typed client of the node that runs on this data folder. */
export const connect = Effect.fnUntraced(function* (data: string) {
  const { url, token } = yield* announced(data)
  const authorized = HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
    next(HttpClientRequest.bearerToken(request, token))
  )
  return yield* HttpApiClient.make(ControlApi, { baseUrl: url }).pipe(
    Effect.provide([authorized, FetchHttpClient.layer])
  )
})

/** Whatever goes wrong on the way to the node and in it, as a sentence. */
export const sayFailure =
  (data: string) =>
  (error: Tellable | HttpClientError.HttpClientError): Failure => {
    if (error._tag !== "HttpClientError") return toFailure(error)
    // A refused connection is a control file that a killed node left behind.
    if (error.reason._tag === "TransportError") return noNode(data)
    const status = error.response?.status ?? 0
    return failure(
      status >= 400
        ? `the node on ${data} could not do that (HTTP ${status}): see what its log says, or whether it is of another version`
        : `the node on ${data} ended before it had answered: start it again, and try again`
    )
  }

export type Client = Effect.Success<ReturnType<typeof connect>>

/** Asks the node on this data folder; `what` is said to whoever waits for longer than a second. */
export const ask = <A, E extends Tellable | HttpClientError.HttpClientError>(
  data: string,
  what: string,
  use: (client: Client) => Effect.Effect<A, E>
): Effect.Effect<A, Failure> =>
  Effect.flatMap(connect(data), use).pipe(patiently(what, process.stderr), Effect.mapError(sayFailure(data)))
