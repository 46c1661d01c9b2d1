/** What `allium pin`, `unpin` and `pins` do: what the running node keeps alive on the network. */
import { Clock, Effect } from "effect"
import { type Cid, cidText } from "#schemas/content/Cid"
import type { ContentStatus, ReplicaHealth } from "#services/dht/Replicator"
import { PINS_LISTED } from "#services/node/ControlSchemas"
import { ask } from "./client.ts"
import { failure } from "./Failure.ts"
import { ago, count, note, paintOut, say, sayJson, size } from "./output.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

export const pinContent = Effect.fnUntraced(function* (
  { data, json }: Shared,
  cid: Cid,
  payload: { readonly factor?: number; readonly priority?: number }
) {
  const status = yield* ask(data, `fetching ${cidText(cid)} to keep it`, (client) =>
    Effect.catchTag(client.pin({ params: { cid }, payload }), "NotFound", ({ asked }) =>
      Effect.fail(
        failure(
          `nobody on the network has all of ${cidText(cid)} (${count(asked, "node")} asked): it is looked for until you "allium unpin" it`
        )
      )
    )
  )
  if (json) return yield* sayJson(status)
  yield* note(
    `kept from now on, ${count(status.target, "copy", "copies")} wanted: see "allium explain ${cidText(cid)}"`
  )
})

export const unpinContent = Effect.fnUntraced(function* ({ data, json }: Shared, cid: Cid) {
  yield* ask(data, "unpinning", (client) =>
    Effect.catchTag(client.unpin({ params: { cid } }), "NotFound", () =>
      Effect.fail(failure(`this node does not keep ${cidText(cid)}: see "allium pins"`))
    )
  )
  if (json) return yield* sayJson({ cid: cidText(cid), pinned: false })
  yield* note("no longer kept: what others hold of it lives as long as they promised")
})

export const showPins = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const kept = yield* ask(data, "reading what is kept", (client) => client.pins())
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* Effect.forEach(kept, (status) => (json ? sayJson(status) : say(lineOf(status, now))), { discard: true })
  if (kept.length === 0) yield* note(`nothing is kept: "allium pin CID" keeps what others have put`)
  if (kept.length === PINS_LISTED) yield* note(`these are the first ${PINS_LISTED} only`)
})

export const paintHealth = (health: ReplicaHealth): string => {
  switch (health) {
    case "healthy":
      return paintOut.green(health)
    case "degraded":
      return paintOut.yellow(health)
    case "critical":
      return paintOut.red(health)
    case "unknown":
      return paintOut.dim("not looked at yet")
  }
}

const lineOf = ({ actual, cid, health, lastReprovided, size: bytes, target }: ContentStatus, now: number): string => {
  const copies = health === "unknown" ? `${target} wanted` : `${actual} of ${target} copies`
  return `${cid}  ${paintHealth(health)}  ${paintOut.dim(`${copies}, ${size(bytes)}, refreshed ${ago(lastReprovided, now)}`)}`
}
