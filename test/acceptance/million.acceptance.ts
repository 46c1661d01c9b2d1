import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { cleanUp, temporaryFolder } from "../cli/processes.ts"
import { peak } from "./memory.ts"

/** MiB. */
const MOST = 300
/** For all of a million records, on a machine that does other things too. */
const SECONDS = 120

afterEach(cleanUp)

const firstLineOf = async (output: Readable): Promise<string> => {
  for await (const line of createInterface({ input: output })) return line
  throw new Error("it ended without a word")
}

describe("a store of a million records", () => {
  it(`is filled and compared with neighbours within ${MOST} MiB`, async () => {
    const script = fileURLToPath(new URL("million.ts", import.meta.url))
    const child = spawn(process.execPath, ["--conditions=allium-source", script, temporaryFolder()], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    try {
      const { rows, seconds } = JSON.parse(await firstLineOf(child.stdout))
      const most = peak(child.pid ?? 0)
      console.log(`${rows} records compared in ${seconds.toFixed(1)} s; RSS at most ${Math.round(most)} MiB`)
      assert.strictEqual(rows, 1_000_000)
      assert.isBelow(most, MOST)
      assert.isBelow(seconds, SECONDS)
    } finally {
      child.kill("SIGKILL")
    }
  })
})
