/** Runs the real command in processes of its own, as a person would. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const DEADLINE = 20_000 // ms, for a process that a test waits for

/** Where compiled sources are kept for the next process: half of its start is compiling. */
const XDG_CACHE_HOME = join(root, "node_modules/.cache")

export interface Ended {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: Uint8Array
  readonly env?: Record<string, string>
  /** As whom it runs. */
  readonly uid?: number
}

const children = new Set<ChildProcess>()
const folders: Array<string> = []

const launch = (args: ReadonlyArray<string>, env: Record<string, string> = {}, uid?: number) => {
  const { ALLIUM_DATA: _, ...inherited } = process.env
  const child = spawn(process.execPath, ["src/cli/allium.js", ...args], {
    cwd: root,
    env: { ...inherited, XDG_CACHE_HOME, ...env },
    ...(uid === undefined ? {} : { uid })
  })
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

/** Waits for the end of one command. */
export const allium = (args: ReadonlyArray<string>, { input, env, uid }: RunOptions = {}): Promise<Ended> => {
  const child = launch(args, env, uid)
  const [stdout, stderr]: [Array<Buffer>, Array<Buffer>] = [[], []]
  child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes))
  child.stdin.on("error", () => {}) // a command that failed does not read what it was sent
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill("SIGKILL")
      reject(new Error(`allium ${args.join(" ")} did not end: ${Buffer.concat(stderr)}`))
    }, DEADLINE)
    child.once("close", (code) => {
      clearTimeout(late)
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() })
    })
  })
}

export interface RunningNode {
  readonly did: string
  readonly nodeId: string
  readonly listening: ReadonlyArray<string>
  readonly control: string
  readonly folder: string
  readonly pid: number
  /** Sends a signal and waits for the end; answers the exit code, null where the signal ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>
}

/** Starts `allium node --json` and waits for its first line. */
export const startNode = (folder: string, args: ReadonlyArray<string> = []): Promise<RunningNode> => {
  const child = launch(["node", "--json", "--local", "--data", folder, ...args])
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve))
  let [stdout, stderr] = ["", ""]
  child.stderr.on("data", (bytes) => (stderr += bytes))
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (bytes) => {
      const had = stdout.includes("\n")
      stdout += bytes
      if (had || !stdout.includes("\n")) return
      const end = (signal: NodeJS.Signals) => {
        child.kill(signal)
        return exit
      }
      resolve({ ...JSON.parse(stdout.slice(0, stdout.indexOf("\n"))), folder, pid: child.pid ?? 0, end })
    })
    child.once("exit", (code) => reject(new Error(`the node ended with ${code}: ${stderr}`)))
  })
}

/** A new folder of its own, removed by `cleanUp`. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "allium-test-"))
  folders.push(folder)
  return folder
}

/** Ends what is still running and removes what was made: for `afterEach`. */
export const cleanUp = async (): Promise<void> => {
  await Promise.all([...children].map((child) => new Promise((resolve) => child.once("exit", resolve).kill("SIGKILL"))))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}
