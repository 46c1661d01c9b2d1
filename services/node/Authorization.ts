/**
 * Who may speak to the control API: whoever has the bearer token that stands in `control.json` of the data folder. Every
 * group of endpoints wants it.
 */
import { Schema } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"

export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {}, { httpApiStatus: 401 }) {}

export class Authorization extends HttpApiMiddleware.Service<Authorization>()("allium/services/node/Authorization", {
  requiredForClient: true,
  security: { bearer: HttpApiSecurity.bearer },
  error: Unauthorized
}) {}
