/** What `allium get` does: streams the content from the node, and leaves no half file behind. */
import { open, rename, rm } from "node:fs/promises"
import { Effect, Stream } from "effect"
import { type Cid, cidText } from "#schemas/content/Cid"
import { TOTAL_HEADER } from "#services/node/ControlApi"
import { connect, sayFailure } from "./client.ts"
import { failure } from "./Failure.ts"
import { note, sayJson, size, write } from "./output.ts"
import { progressBar } from "./progress.ts"

type Write = (bytes: Uint8Array) => Effect.Effect<void, ReturnType<typeof failure>>

const orFailure = (file: string) => (cause: unknown) =>
  failure(`${file} cannot be written (${cause instanceof Error ? cause.message : String(cause)})`)

/** The file under a name of its own until it is whole; removed where it never is. */
export const intoFile = <A, E, R>(file: string, use: (write: Write) => Effect.Effect<A, E, R>) => {
  const part = `${file}.part`
  const attempt = <B>(action: () => Promise<B>) => Effect.tryPromise({ try: action, catch: orFailure(file) })
  return Effect.acquireUseRelease(
    attempt(() => open(part, "w")),
    (handle) =>
      use((bytes) => attempt(() => handle.writeFile(bytes))).pipe(
        Effect.tap(() => attempt(() => handle.sync().then(() => rename(part, file))))
      ),
    (handle) => Effect.promise(() => handle.close().then(() => rm(part, { force: true })))
  )
}

export const download = Effect.fnUntraced(
  function* (
    shared: { readonly data: string; readonly json: boolean },
    cid: Cid,
    output: string | undefined,
    anonymous: boolean
  ) {
    const client = yield* connect(shared.data)
    const { body, headers } = yield* client.get({
      params: { cid },
      query: anonymous ? { privacy: "anonymous" } : {}
    })
    const total = headers[TOTAL_HEADER]
    const bar = progressBar("fetched", process.stderr)
    let fetched = 0
    const brokeOff = () =>
      failure(
        `the content broke off after ${size(fetched)} of ${size(total)}, the rest cannot be had now: try again later`
      )
    const copy = (write: Write) =>
      body.pipe(
        Stream.mapError(brokeOff),
        Stream.runForEach((bytes) => {
          fetched += bytes.length
          bar.update(fetched, total)
          return write(bytes)
        }),
        Effect.andThen(Effect.suspend(() => (fetched === total ? Effect.void : Effect.fail(brokeOff())))),
        Effect.ensuring(Effect.sync(bar.finish))
      )
    if (output === undefined) return yield* copy(write)
    yield* intoFile(output, copy)
    if (shared.json) yield* sayJson({ cid: cidText(cid), bytes: total, file: output })
    else yield* note(`fetched ${size(total)} into ${output}`)
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)
