/**
 * Runs the command in this process, which takes a hundredth of a process of its own: all of it but its launcher and
 * what a signal does. What it writes goes to the answer, and it sees none of this process's environment.
 */
import { Readable } from "node:stream"
import { ConfigProvider, Console, Effect } from "effect"
import { commandLine } from "../../src/cli/commandLine.ts"
import { report } from "../../src/cli/runMain.ts"
import type { Ended, RunOptions } from "./processes.ts"

type Streams = Record<"stdout" | "stderr", Array<Buffer>>

/** There is one standard output, so commands wait for each other. */
let last: Promise<unknown> = Promise.resolve()

/** As `allium` of processes.ts, without a process. */
export const alliumHere = (args: ReadonlyArray<string>, options: Omit<RunOptions, "uid"> = {}): Promise<Ended> => {
  const ended = last.then(() => run(args, options))
  last = ended.catch(() => {})
  return ended
}

const run = async (args: ReadonlyArray<string>, { env = {}, input }: RunOptions): Promise<Ended> => {
  const written: Streams = { stdout: [], stderr: [] }
  const restore = redirect(written, input)
  try {
    const line = (to: keyof Streams) => (text: unknown) => void written[to].push(Buffer.from(`${text}\n`))
    const exit = await Effect.runPromiseExit(
      commandLine(args).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
        Effect.provideService(Console.Console, { ...console, log: line("stdout"), error: line("stderr") })
      )
    )
    const code = report(exit)
    return { code, stdout: Buffer.concat(written.stdout), stderr: Buffer.concat(written.stderr).toString() }
  } finally {
    restore()
  }
}

/** Until what it answers is called, the standard streams lead elsewhere. */
const redirect = (written: Streams, input: Uint8Array = new Uint8Array(0)): (() => void) => {
  const before = { stdin: Object.getOwnPropertyDescriptor(process, "stdin"), ...writers() }
  const taking = (to: Array<Buffer>) =>
    ((bytes: string | Uint8Array, ...rest: ReadonlyArray<unknown>) => {
      to.push(Buffer.from(bytes as Uint8Array))
      const done = rest.at(-1)
      if (typeof done === "function") process.nextTick(done as () => void)
      return true
    }) as typeof process.stdout.write
  process.stdout.write = taking(written.stdout)
  process.stderr.write = taking(written.stderr)
  Object.defineProperty(process, "stdin", { configurable: true, value: Readable.from([Buffer.from(input)]) })
  return () => {
    process.stdout.write = before.stdout
    process.stderr.write = before.stderr
    if (before.stdin !== undefined) Object.defineProperty(process, "stdin", before.stdin)
  }
}

const writers = () => ({ stdout: process.stdout.write, stderr: process.stderr.write })
