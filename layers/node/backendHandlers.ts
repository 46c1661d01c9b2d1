/** What stands behind the endpoints that tell of the backends and switch them. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Backends, FallbackOff } from "#services/dht/Backends"
import { ControlApi } from "#services/node/ControlApi"

export const handlers = HttpApiBuilder.group(
  ControlApi,
  "backend",
  Effect.fnUntraced(function* (handlers) {
    const backends = yield* Backends
    const status = Effect.flatMap(backends.status, (told) =>
      told === undefined ? Effect.fail(new FallbackOff()) : Effect.succeed(told)
    )
    return handlers.handleAll({
      backends: () => status,
      selectBackend: ({ payload }) => Effect.andThen(backends.select(payload.mode), status)
    })
  })
)
