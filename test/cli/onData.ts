/** Commands on a data folder, run in this process, and what came of them. */
import { assert } from "@effect/vitest"
import { alliumHere } from "./inProcess.ts"

export interface RunOptions {
  readonly env?: Record<string, string>
  /** What the command reads from its standard input. */
  readonly input?: string
}

export const run = async (data: string, args: ReadonlyArray<string>, { env = {}, input = "" }: RunOptions = {}) => {
  const options = { env, input: new TextEncoder().encode(input) }
  const { code, stderr, stdout } = await alliumHere([...args, "--data", data], options)
  return { code, stderr, stdout: stdout.toString() }
}

/** The trimmed stdout of a command that must succeed. */
export const succeeds = async (data: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stderr, stdout } = await run(data, args)
  assert.strictEqual(code, 0, stderr)
  return stdout.trim()
}

/** Every line of `--json`. */
export const json = async (
  data: string,
  ...args: ReadonlyArray<string>
): Promise<ReadonlyArray<Record<string, unknown>>> =>
  (await succeeds(data, ...args, "--json"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** It says why in one sentence, and nothing else. */
export const fails = async (
  data: string,
  args: ReadonlyArray<string>,
  code: number,
  sentence: RegExp,
  options?: RunOptions
): Promise<void> => {
  const ended = await run(data, args, options)
  assert.match(ended.stderr, sentence)
  assert.deepStrictEqual(
    [ended.code, ended.stdout, ended.stderr.trim().split("\n").length],
    [code, "", 1],
    ended.stderr
  )
}
