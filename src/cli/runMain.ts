/**
 * Runs the command as the process's main work, and ends the process with it.
 *
 * The first SIGINT or SIGTERM interrupts: what is open closes in order, within five seconds. The second ends at once.
 */
import { Cause, Effect, Exit, Runtime } from "effect"
import { paintErr } from "./output.ts"

const CLOSE_WITHIN = 5_000 // ms
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const // 128 + the signal's number, as shells have it

/** A program that runs until it is told to end has done its work when it is. */
let endsBySignal = false

/** From here on a signal is the orderly end of this command, with exit code 0. */
export const endsOnSignal: Effect.Effect<void> = Effect.sync(() => {
  endsBySignal = true
})

export const runMain = <E>(program: Effect.Effect<void, E>): void => {
  const fiber = Effect.runFork(program)
  const keepAlive = setInterval(() => {}, 2 ** 31 - 1)
  let signalled: number | undefined

  const onSignal = (signal: keyof typeof SIGNALS) => {
    if (signalled !== undefined) process.exit(SIGNALS[signal])
    signalled = endsBySignal ? 0 : SIGNALS[signal]
    const code = signalled === 0 ? 1 : signalled
    setTimeout(() => process.exit(code), CLOSE_WITHIN).unref()
    fiber.interruptUnsafe()
  }
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
  // Whoever read our output has enough of it, as `head` does; writing on would be an error without an owner.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (cause: NodeJS.ErrnoException) => process.exit(cause.code === "EPIPE" ? 0 : 1))
  }

  fiber.addObserver((exit) => {
    clearInterval(keepAlive)
    end(signalled ?? report(exit))
  })
}

/** Says what went wrong, if something did; answers the exit code. */
export const report = <E>(exit: Exit.Exit<void, E>): number => {
  if (Exit.isSuccess(exit)) return 0
  const error = Cause.squash(exit.cause)
  const code = Runtime.getErrorExitCode(error)
  if (Runtime.getErrorReported(error)) {
    const text = Cause.hasDies(exit.cause) ? Cause.pretty(exit.cause) : error instanceof Error ? error.message : error
    process.stderr.write(`${paintErr.red("error:")} ${text}\n`)
  }
  return code
}

/** Ends once what was written has left: a pipe takes it later than `process.exit` would wait. */
const end = (code: number): void => {
  process.exitCode = code
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)))
}
