/**
 * From spawning the packed program to a node that listens: `allium node --local --json` in a fresh data folder, a fresh
 * process each time. Packs first, so that what is measured is what a user installs.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { emit } from "./lib.ts"

const REPS = 10
const root = fileURLToPath(new URL("..", import.meta.url))

const packed = spawnSync(process.execPath, [join(root, ".ci/pack.mjs")], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"]
})
if (packed.status !== 0) process.exit(1)

const folders: Array<string> = []
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "allium-bench-"))
  folders.push(path)
  return path
}

/** The command as it stands in an installed package: the launcher, the bundle, and no sources. */
const installed = folder()
for (const part of ["package.json", "src/cli/allium.js", "dist/cli"]) {
  cpSync(join(root, part), join(installed, part), { recursive: true })
}
const command = join(installed, "src/cli/allium.js")

const start = async (args: ReadonlyArray<string>): Promise<number> => {
  const begin = performance.now()
  const child = spawn(process.execPath, [...args], { stdio: ["ignore", "pipe", "ignore"] })
  await once(child.stdout, "data")
  const took = performance.now() - begin
  child.kill("SIGTERM")
  await once(child, "close")
  return took
}

const node = (data: string) => start([command, "node", "--local", "--json", "--data", data])

try {
  await node(folder())
  const again = folder()
  await node(again)
  const first: Array<number> = []
  const warm: Array<number> = []
  const bare: Array<number> = []
  for (let rep = 0; rep < REPS; rep++) {
    first.push(await node(folder()))
    warm.push(await node(again))
    bare.push(await start(["-e", "console.log(1)"]))
  }
  emit("start-up", "ms", warm, { note: "existing identity" })
  emit("start-up, first", "ms", first, { note: "identity and database made" })
  emit("start-up, node (empty script)", "ms", bare)
} finally {
  for (const path of folders) rmSync(path, { recursive: true, force: true })
}
