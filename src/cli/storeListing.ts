/** What `allium store ls`, `search`, `history` and `discover` do. */
import { Clock, Effect, Stream } from "effect"
import type { VersionStatus } from "#services/node/StoreApi"
import type { IndexItem } from "#services/ucxl/ContentIndex"
import { ask, connect, sayFailure } from "./client.ts"
import { wrongUsage } from "./Failure.ts"
import { ago, count, harmless, lifetime, note, paintOut, say, sayJson, size } from "./output.ts"
import { checkAddress, type Shared } from "./storeContent.ts"
import { streamed } from "./streamed.ts"
import { timeOf } from "./times.ts"

/** What a search is given on the command line, by the names of its flags. */
export interface Asked {
  readonly agent?: string
  readonly role?: string
  readonly project?: string
  readonly task?: string
  readonly type?: string
  readonly creatorRole?: string
  readonly contentType?: string
  readonly after?: string
  readonly before?: string
  readonly text?: string
}

/** One below the other, the columns in line. */
const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) => {
    const [first = "", ...others] = row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
    return `${first}  ${paintOut.dim(others.join("  "))}`
  })
}

const cellsOf = (item: Pick<IndexItem, "size" | "contentType" | "timestamp" | "creatorRole">, now: number) => [
  size(item.size),
  harmless(item.contentType),
  ago(item.timestamp / 1_000, now),
  `by ${harmless(item.creatorRole)}`
]

const sayItems = Effect.fnUntraced(function* (json: boolean, items: ReadonlyArray<IndexItem>, limit: number) {
  const now = (yield* Clock.currentTimeMillis) / 1_000
  const lines = json
    ? items.map((item) => JSON.stringify(item))
    : aligned(items.map((item) => [item.address, ...cellsOf(item, now)]))
  yield* Effect.forEach(lines, say, { discard: true })
  if (items.length === 0) yield* note("nothing that this node knows of and may read")
  else if (items.length === limit) yield* note(`the newest ${count(limit, "item")}: there may be more, see --limit`)
})

export const listContent = Effect.fnUntraced(function* (
  { data, json }: Shared,
  role: string | undefined,
  limit: number
) {
  const items = yield* ask(data, "asking the node", (client) =>
    role === undefined
      ? client.store.search({ query: { limit } })
      : client.store.listByRole({ params: { role: role.trim().toLowerCase() }, query: { limit } })
  )
  yield* sayItems(json, items, limit)
})

const checkTime = (flag: string, text: string | undefined, now: number) => {
  if (text === undefined) return Effect.succeed(undefined)
  const time = timeOf(text, now)
  return time === undefined
    ? Effect.fail(
        wrongUsage(
          `--${flag} ${harmless(text)} is no time: give a date such as 2026-03-01, or 2h or 3d for so long ago`
        )
      )
    : Effect.succeed(time)
}

/** As addresses are normalised. */
const part = (text: string | undefined) => text?.trim().toLowerCase()

export const searchContent = Effect.fnUntraced(function* ({ data, json }: Shared, asked: Asked, limit: number) {
  const now = yield* Clock.currentTimeMillis
  const given = {
    agent: part(asked.agent),
    role: part(asked.role),
    project: part(asked.project),
    task: part(asked.task),
    type: part(asked.type),
    creatorRole: part(asked.creatorRole),
    contentType: asked.contentType,
    createdAfter: yield* checkTime("after", asked.after, now),
    createdBefore: yield* checkTime("before", asked.before, now),
    text: asked.text
  }
  if ((given.text?.length ?? 0) > 256) return yield* wrongUsage("--text takes at most 256 letters: give fewer words")
  const criteria = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const items = yield* ask(data, "searching", (client) => client.store.search({ query: { ...criteria, limit } }))
  yield* sayItems(json, items, limit)
  if (given.text !== undefined && items.length === 0)
    yield* note("words are known of what this node has read since it started: read it, and search again")
})

const versionText = (version: VersionStatus, now: number): string =>
  `${version.metadataCid}  ${paintOut.dim(cellsOf(version, now).join("  "))}`

export const showHistory = Effect.fnUntraced(
  function* ({ data, json }: Shared, text: string) {
    const address = yield* checkAddress(text)
    const client = yield* connect(data)
    const versions = yield* client.store.history({ query: { address } })
    const now = (yield* Clock.currentTimeMillis) / 1_000
    // Each as it comes: where an older one cannot be had, those before it are shown, and then what is wrong.
    yield* Stream.runForEach(streamed(versions), (version) =>
      json ? sayJson({ address, ...version }) : say(versionText(version, now))
    )
    if (!json) yield* note(`read one with "allium store get ${address} --version CID"`)
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

export const discoverContent = Effect.fnUntraced(function* ({ data, json }: Shared, text: string) {
  const address = yield* checkAddress(text)
  const found = yield* ask(data, `looking for ${address}`, (client) => client.store.discover({ query: { address } }))
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* Effect.forEach(
    found,
    (peer) =>
      json
        ? sayJson({ address, ...peer })
        : say(`${peer.did}  ${paintOut.dim(`announcement ${lifetime(peer.expires, now)}`)}`),
    { discard: true }
  )
  if (found.length === 0) yield* note("nobody has announced it")
})
