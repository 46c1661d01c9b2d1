/** What `allium backend` does, and how both backends are told of: here and in `allium status`. */
import { Clock, Effect } from "effect"
import type { BackendMode, BackendStatus, BackendsStatus, Health } from "#services/dht/Backends"
import { ask } from "./client.ts"
import { failure } from "./Failure.ts"
import { ago, count, duration, harmless, paintOut, size, table, tell } from "./output.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

const OFF = `this node does not fall back: set "fallback = true" in its allium.toml and start it again`

export const showBackends = Effect.fnUntraced(function* ({ data, json }: Shared, mode: BackendMode | undefined) {
  const status = yield* ask(data, "asking the node", (client) =>
    Effect.catchTag(
      mode === undefined ? client.backends() : client.selectBackend({ payload: { mode } }),
      "FallbackOff",
      () => Effect.fail(failure(OFF))
    )
  )
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* tell(json, status, (it) =>
    table([
      ["answers", activeText(it, now)],
      ...it.backends.map((one): readonly [string, string] => [one.name, healthText(one, now)]),
      ["waiting", waitingText(it, now)]
    ])
  )
})

/** In one row of `allium status`. */
export const backendText = (status: BackendsStatus, now: number): string => {
  const [real] = status.backends
  const health = real === undefined ? "" : `, the network ${paint(real.health)}`
  return `${activeText(status, now)}${health}\n${waitingText(status, now)}`
}

const activeText = ({ active, mode, since }: BackendsStatus, now: number): string => {
  const chosen = mode === "auto" ? "" : ", chosen by hand"
  const who = active === "real" ? "the network (real)" : paintOut.yellow("this node by itself (mock)")
  return `${who}, for ${duration(Math.max(0, now - since) * 1_000)}${chosen}`
}

const paint = (health: Health): string => {
  switch (health) {
    case "healthy":
      return paintOut.green(health)
    case "degraded":
      return paintOut.yellow(health)
    case "failed":
      return paintOut.red(health)
  }
}

const healthText = (
  { checks, consecutiveFailures, errors, health, lastCheck, latencyMillis }: BackendStatus,
  now: number
) => {
  const parts = [
    ...(latencyMillis === null ? [] : [`${duration(latencyMillis)} a time`]),
    `${count(errors, "failure")} in ${checks}`,
    ...(consecutiveFailures === 0 ? [] : [`the last ${consecutiveFailures} in a row`]),
    lastCheck === null ? "not looked at yet" : `looked at ${ago(lastCheck, now)}`
  ]
  return `${paint(health)}; ${parts.join(", ")}`
}

const waitingText = ({ outbox }: BackendsStatus, now: number): string => {
  const { bytes, lastRefusal, oldest, refused, waiting } = outbox
  const waits =
    waiting === 0 || oldest === null
      ? "nothing waits for the network"
      : `${count(waiting, "write")} (${size(bytes)}) on this node only, the oldest for ${duration((now - oldest) * 1_000)}`
  if (refused === 0) return waits
  return `${waits}; ${paintOut.red(`${refused} refused by the network`)}: ${harmless(lastRefusal ?? "")}`
}
