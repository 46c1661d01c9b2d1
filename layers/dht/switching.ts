/** Which of the two backends answers: by what is heard of the real one, or as it was chosen by hand. */
import { Clock, Effect, Metric } from "effect"
import * as Metrics from "#services/dht/BackendMetrics"
import type { BackendMode, BackendName } from "#services/dht/Backends"

/** Metrics and the log are told of each change, and `switched`. */
export const makeSwitch = Effect.fnUntraced(function* (switched: (to: BackendName) => Effect.Effect<void>) {
  const clock = yield* Clock.Clock
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
  let mode: BackendMode = "auto"
  let isOut = false
  let active: BackendName = "real"
  let since = seconds()

  const show = Effect.forEach(["real", "mock"] as const, (backend) =>
    Metric.update(Metric.withAttributes(Metrics.active, { backend }), backend === active ? 1 : 0)
  )
  const settle = Effect.suspend(() => {
    const before = active
    active = mode === "auto" ? (isOut ? "mock" : "real") : mode
    if (active === before) return Effect.void
    since = seconds()
    const taken = Metric.update(Metric.withAttributes(Metrics.switches, { to: active }), 1)
    const told =
      active === "mock"
        ? Effect.logWarning("the network is not used: what is read is what this node knows, what is written waits")
        : Effect.logInfo("the network is used again: what has waited is brought to it")
    return Effect.all([taken, show, Effect.annotateLogs(told, { mode }), switched(active)], { discard: true })
  })
  yield* show

  return {
    mode: () => mode,
    view: () => ({ mode, active, since }),
    heard: (out: boolean) =>
      Effect.suspend(() => {
        isOut = out
        return settle
      }),
    select: (selected: BackendMode) =>
      Effect.suspend(() => {
        mode = selected
        return settle
      })
  }
})
