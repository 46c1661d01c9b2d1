/** What survives a process that ends without warning. */
import { spawn } from "node:child_process"
import { Effect } from "effect"

/** Runs a script until it has acknowledged so many things, a line each, then kills it; answers how many there were. */
export const runThenKill = (script: string, folder: string, count: number) =>
  Effect.callback<number>((resume) => {
    const child = spawn(process.execPath, ["--conditions=allium-source", script, folder])
    let lines = 0
    child.stdout.on("data", (chunk: Buffer) => {
      lines += chunk.toString().split("\n").length - 1
      if (lines >= count) child.kill("SIGKILL")
    })
    child.on("close", () => resume(Effect.succeed(lines)))
  })
