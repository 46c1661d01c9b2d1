/** What `allium put` does: streams the file to the node, which answers once every block has a durable copy. */
import { Clock, Effect } from "effect"
import { connect, sayFailure } from "./client.ts"
import { count, lifetime, note, QUEUED, size, tell } from "./output.ts"
import { inspect, sending } from "./sending.ts"

export const upload = Effect.fnUntraced(
  function* (shared: { readonly data: string; readonly json: boolean }, file: string, anonymous: boolean) {
    const source = yield* inspect(file)
    const client = yield* connect(shared.data)
    const query = anonymous ? { privacy: "anonymous" as const } : {}
    const receipt = yield* sending(source, (payload) => client.put({ payload, query }))
    yield* tell(shared.json, receipt, ({ cid }) => cid)
    if (shared.json) return
    const copies = count(receipt.replicas, "copy", "copies")
    if (receipt.status === "queued") yield* note(`queued: ${QUEUED}`)
    yield* note(`stored ${size(receipt.bytes)} in ${count(receipt.blocks, "block")}, at least ${copies} of each`)
    // Nothing of it stays here that could be refreshed, or found.
    const now = (yield* Clock.currentTimeMillis) / 1_000
    if (anonymous)
      yield* note(
        `this node keeps nothing of it: it ${lifetime(receipt.expires, now)}, unless it is put or pinned again`
      )
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)
