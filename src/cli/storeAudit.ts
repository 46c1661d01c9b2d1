/** What `allium store audit` does: shows the log, goes on with it, or has its chain checked. */
import { Effect, Stream } from "effect"
import type { AuditEntry, AuditVerdict } from "#services/ucxl/AuditLog"
import { ask, connect, sayFailure } from "./client.ts"
import { failure } from "./Failure.ts"
import { count, harmless, note, paintErr, paintOut, say, sayJson, size } from "./output.ts"
import { endsOnSignal } from "./runMain.ts"
import type { Shared } from "./storeContent.ts"
import { streamed } from "./streamed.ts"
import { clockTime } from "./times.ts"

const OUTCOMES = { done: paintOut.green, denied: paintOut.yellow, failed: paintOut.red }

/** Columns of what was done, how it ended, and the number of the line. */
const [OPERATION, OUTCOME, NUMBER] = [9, 7, 6]

const lineText = (entry: AuditEntry): string => {
  const { address, contentType, number, operation, outcome, reason, role, time } = entry
  const about = [
    ...(role === "" ? [] : [`as ${role}`]),
    ...(contentType === "" ? [] : [contentType]),
    ...(entry.size === 0 ? [] : [size(entry.size)]),
    ...(reason === "" ? [] : [reason])
  ]
  const what = `${operation.padEnd(OPERATION)}${OUTCOMES[outcome](outcome.padEnd(OUTCOME))}`
  return `${String(number).padStart(NUMBER)}  ${paintOut.dim(clockTime(time))}  ${what}${harmless(address)}  ${paintOut.dim(harmless(about.join(", ")))}`
}

const sayLine = (json: boolean) => (entry: AuditEntry) => (json ? sayJson(entry) : say(lineText(entry)))

export const showAudit = Effect.fnUntraced(function* ({ data, json }: Shared, limit: number) {
  const lines = yield* ask(data, "asking the node", (client) => client.store.audit({ query: { limit } }))
  yield* Effect.forEach(lines, sayLine(json), { discard: true })
  if (lines.length === 0) yield* note("nothing was done with encrypted content yet")
  else if (!json) yield* note("times are UTC")
})

export const followAudit = Effect.fnUntraced(
  function* ({ data, json }: Shared, limit: number) {
    const client = yield* connect(data)
    yield* endsOnSignal
    const lines = yield* client.store.followAudit({ query: { limit } })
    yield* Stream.runForEach(streamed(lines), sayLine(json))
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

const broken = ({ brokenAt, reason }: AuditVerdict): string =>
  brokenAt === null
    ? `the audit log does not hold: ${harmless(reason)}`
    : `the audit log does not hold from line ${brokenAt} on: ${harmless(reason)}`

export const verifyAudit = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const verdict = yield* ask(data, "checking every line", (client) => client.store.verifyAudit())
  if (json) yield* sayJson(verdict)
  if (!verdict.sound) return yield* failure(`${broken(verdict)}; somebody has changed the database of this node`)
  if (json) return
  if (verdict.lines === 0) return yield* note("there is no line yet")
  yield* say(`${count(verdict.lines, "line")}, ${verdict.first} to ${verdict.last}: none was changed, added or removed`)
  if (verdict.first > 1) yield* note(paintErr.dim(`those before ${verdict.first} were dropped to save room`))
})
