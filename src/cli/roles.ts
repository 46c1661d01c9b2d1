/** What `allium role` does: announcements of the open namespace. */
import { Clock, Effect } from "effect"
import { utf8 } from "#schemas/bytes/bytes"
import { ROLE_BYTES } from "#services/node/ControlSchemas"
import { ask } from "./client.ts"
import { failure, wrongUsage } from "./Failure.ts"
import { count, lifetime, note, paintOut, say, sayJson } from "./output.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

const check = (role: string) => {
  const { length } = utf8(role)
  return length > 0 && length <= ROLE_BYTES
    ? Effect.void
    : Effect.fail(wrongUsage(`a role has 1 to ${ROLE_BYTES} bytes and this one has ${length}`))
}

export const announceRole = Effect.fnUntraced(function* ({ data, json }: Shared, role: string) {
  yield* check(role)
  const receipt = yield* ask(data, `announcing ${role}`, (client) => client.announceRole({ payload: { role } }))
  if (json) return yield* sayJson(receipt)
  yield* note(`announced on ${count(receipt.replicas, "node")} of ${receipt.factor} wanted, and again every 12 hours`)
})

export const withdrawRole = Effect.fnUntraced(function* ({ data, json }: Shared, role: string) {
  yield* check(role)
  yield* ask(data, `withdrawing ${role}`, (client) => client.withdrawRole({ query: { role } }))
  if (json) return yield* sayJson({ role, announced: false })
  yield* note("not announced any more: what others hold of it lives a day at most")
})

export const findRole = Effect.fnUntraced(function* ({ data, json }: Shared, role: string) {
  yield* check(role)
  const found = yield* ask(data, `looking for ${role}`, (client) =>
    Effect.catchTag(client.findRole({ query: { role } }), "NotFound", ({ asked }) =>
      Effect.fail(failure(`nobody could be asked who is ${role} (${count(asked, "node")} asked): see "allium peers"`))
    )
  )
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* Effect.forEach(
    found,
    (peer) =>
      json
        ? sayJson({ role, ...peer })
        : say(`${peer.did}  ${paintOut.dim(`announcement ${lifetime(peer.expires, now)}`)}`),
    { discard: true }
  )
  if (found.length === 0) yield* note(`nobody says to be ${role}`)
})
