/** What `allium store stats` and `allium store rotate` do. */
import { Effect, Stream } from "effect"
import type { RotationStatus, StoreStatsStatus } from "#services/node/StoreApi"
import { ask, connect, sayFailure } from "./client.ts"
import { count, duration, harmless, note, paintErr, sayJson, size, table, tell } from "./output.ts"
import { countBar } from "./progress.ts"
import type { Shared } from "./storeContent.ts"
import { streamed } from "./streamed.ts"

export const showStats = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const stats = yield* ask(data, "asking the node", (client) => client.store.stats())
  yield* tell(json, stats, statsText)
})

const statsText = (stats: StoreStatsStatus): string => {
  const asked = stats.cacheHits + stats.cacheMisses
  const hits =
    asked === 0 ? "nobody asked yet" : `${Math.round((100 * stats.cacheHits) / asked)} % of ${asked} found in it`
  return table([
    ["stored", `${stats.stored}${mean(stats.stored, stats.meanStore)}`],
    ["read", `${stats.retrieved}${mean(stats.retrieved, stats.meanRetrieve)}`],
    ["refused", `${stats.denied} denied, ${stats.failed} failed`],
    ["encrypted", `${count(stats.encryptions, "time")}, decrypted ${count(stats.decryptions, "time")}`],
    ["cache", `${count(stats.cachedItems, "item")}, ${size(stats.cachedBytes)} of ${size(stats.cacheLimit)}; ${hits}`],
    ["index", count(stats.indexed, "item")]
  ])
}

const mean = (times: number, milliseconds: number): string =>
  times === 0 ? "" : `, ${duration(milliseconds)} each in the mean`

export const rotateRole = Effect.fnUntraced(
  function* ({ data, json }: Shared, role: string) {
    const client = yield* connect(data)
    const bar = countBar("looked at", process.stderr)
    let last: RotationStatus | undefined
    const steps = yield* client.store.rotate({ payload: { role: role.trim().toLowerCase() } })
    yield* Stream.runForEach(streamed(steps), (step) => {
      last = step
      bar.update(step.done, step.total)
      if (json) return sayJson({ role, ...step })
      return step.reason === ""
        ? Effect.void
        : note(`${paintErr.red("✗")} ${harmless(step.address)}: ${harmless(step.reason)}`)
    }).pipe(Effect.ensuring(Effect.sync(bar.finish)))
    if (json) return
    yield* note(
      last === undefined
        ? `nothing that this node stored as ${harmless(role)} is encrypted to other keys than those of now`
        : `looked at ${count(last.done, "item")}: what was encrypted to other keys is now encrypted to those of now`
    )
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)
