/** A file, or what comes in on standard input, on its way to the node, with a bar that says how much of it has gone. */
import { createReadStream, type Stats, statSync } from "node:fs"
import { Effect, Stream } from "effect"
import { type Failure, failure } from "./Failure.ts"
import { progressBar } from "./progress.ts"

const READ_BYTES = 256 * 1024

/** "-" is standard input. */
interface Source {
  readonly file: string
  /** Bytes, where that is known beforehand. */
  readonly total: number | undefined
}

/** What can be sent; fails where nothing can be read. */
export const inspect = (file: string): Effect.Effect<Source, Failure> =>
  file === "-"
    ? Effect.succeed({ file, total: undefined })
    : Effect.try({ try: (): Stats => statSync(file), catch: (cause) => failure(whyNot(file, cause)) }).pipe(
        Effect.flatMap((stats) =>
          stats.isDirectory()
            ? Effect.fail(failure(`${file} is a folder: put a file, or "tar c ${file} | allium put -"`))
            : Effect.succeed({ file, total: stats.isFile() ? stats.size : undefined })
        )
      )

/** The bar stands until the node has answered. */
export const sending = <A, E, R>(
  { file, total }: Source,
  send: (payload: Stream.Stream<Uint8Array, Error>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
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
    return Effect.ensuring(send(payload), Effect.sync(bar.finish))
  })

const whyNot = (file: string, cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "ENOENT") return `there is no file ${file}: check the name`
  if (code === "EACCES") return `${file} may not be read: check its permissions`
  return `${file} cannot be read (${String(cause)})`
}
