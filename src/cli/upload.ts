/** What `allium put` does: streams the file to the node, which answers once every block has a durable copy. */
import { createReadStream, type Stats, statSync } from "node:fs"
import { Clock, Effect, Stream } from "effect"
import { connect, sayFailure } from "./client.ts"
import { failure } from "./Failure.ts"
import { count, lifetime, note, QUEUED, size, tell } from "./output.ts"
import { progressBar } from "./progress.ts"

export const READ_BYTES = 256 * 1024

export const whyNot = (file: string, cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "ENOENT") return `there is no file ${file}: check the name`
  if (code === "EACCES") return `${file} may not be read: check its permissions`
  return `${file} cannot be read (${String(cause)})`
}

/** Its length, if it has one that is known beforehand; fails where nothing can be read. */
export const inspect = (file: string) =>
  Effect.try({ try: (): Stats => statSync(file), catch: (cause) => failure(whyNot(file, cause)) }).pipe(
    Effect.flatMap((stats) =>
      stats.isDirectory()
        ? Effect.fail(failure(`${file} is a folder: put a file, or "tar c ${file} | allium put -"`))
        : Effect.succeed(stats.isFile() ? stats.size : undefined)
    )
  )

export const upload = Effect.fnUntraced(
  function* (shared: { readonly data: string; readonly json: boolean }, file: string, anonymous: boolean) {
    const total = file === "-" ? undefined : yield* inspect(file)
    const client = yield* connect(shared.data)
    const source = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES })
    const bar = progressBar("stored", process.stderr)
    let sent = 0
    const payload = Stream.fromAsyncIterable<Uint8Array, Error>(source, (cause) => failure(whyNot(file, cause))).pipe(
      // The node takes no more than it can store, so what was sent is nearly what is stored.
      Stream.map((bytes) => {
        sent += bytes.length
        bar.update(sent, total)
        return bytes
      })
    )
    const receipt = yield* client
      .put({ payload, query: anonymous ? { privacy: "anonymous" } : {} })
      .pipe(Effect.ensuring(Effect.sync(bar.finish)))
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
