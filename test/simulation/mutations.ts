/**
 * Is the simulator worth its name? Breaks the code in sixteen ways, one at a time and in a copy, and runs the plans of the
 * long checks on it until one breaks a promise. A break that survives all seeds makes this fail: then the plans or the
 * promises are too weak.
 *
 * npm run test:mutations [-- --seeds 50] [part of a name]
 */
import { spawn } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Mutation, mutations } from "./mutationList.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const COPIED = ["schemas", "src", "services", "layers", "test/simulation", "package.json"]
/** For two cores. */
const AT_ONCE = 2

/** What `firstViolation.ts` says in its last line. */
interface Found {
  readonly seed: number
  readonly invariant: string
  readonly detail: string
}

interface Outcome {
  readonly mutation: Mutation
  readonly found: Found | undefined
  readonly seconds: number
  /** The run itself fell over, which is no answer. */
  readonly broken: string | undefined
}

const mutate = (text: string, { file, find, name, replace }: Mutation): string => {
  const parts = text.split(find)
  if (parts.length !== 2) {
    throw new Error(`"${name}": the text to change is ${parts.length - 1} times in ${file}, not once:\n${find}`)
  }
  return parts.join(replace)
}

/** A copy of the sources with one change. */
const copyWith = (mutation: Mutation, folder: string): void => {
  for (const name of COPIED) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  const file = join(folder, mutation.file)
  writeFileSync(file, mutate(readFileSync(file, "utf8"), mutation))
}

const run = (mutation: Mutation, seeds: number): Promise<Outcome> => {
  const folder = mkdtempSync(join(tmpdir(), "allium-mutation-"))
  const began = performance.now()
  copyWith(mutation, folder)
  const child = spawn(
    process.execPath,
    ["--conditions=allium-source", join(folder, "test/simulation/firstViolation.ts"), String(seeds)],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }
  )
  const [said, complained]: [Array<string>, Array<string>] = [[], []]
  child.stdout.on("data", (chunk) => said.push(String(chunk)))
  child.stderr.on("data", (chunk) => complained.push(String(chunk)))
  return new Promise((resolve) => {
    child.on("close", (code) => {
      rmSync(folder, { recursive: true, force: true })
      const last = said.join("").trim().split("\n").at(-1) ?? ""
      resolve({
        mutation,
        found: code === 0 && last !== "none" ? JSON.parse(last) : undefined,
        seconds: (performance.now() - began) / 1000,
        broken: code === 0 ? undefined : complained.join("").split("\n").slice(0, 12).join("\n")
      })
    })
  })
}

const sentence = ({ broken, found, mutation, seconds }: Outcome): string => {
  const how = found === undefined ? (broken === undefined ? "SURVIVED" : "BROKE THE RUN") : `seed ${found.seed}`
  return [
    mutation.name.padEnd(46),
    how.padEnd(13),
    (found?.invariant ?? "").padEnd(24),
    `${seconds.toFixed(0)} s`
  ].join(" ")
}

const { positionals, values } = parseArgs({
  options: { seeds: { type: "string", default: "50" } },
  allowPositionals: true
})
const chosen = mutations.filter(({ name }) => positionals.every((part) => name.includes(part)))
// All must apply before any is run.
for (const mutation of chosen) mutate(readFileSync(join(root, mutation.file), "utf8"), mutation)

const outcomes: Array<Outcome> = []
const waiting = [...chosen]
const worker = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const outcome = await run(next, Number(values.seeds))
    outcomes.push(outcome)
    console.log(sentence(outcome))
    const more = outcome.found?.detail ?? outcome.broken
    if (more !== undefined) console.log(`  ${more}`)
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker))

console.log(`\n${"mutation".padEnd(46)} ${"found by".padEnd(13)} ${"invariant".padEnd(24)} time`)
for (const mutation of chosen) {
  for (const outcome of outcomes) if (outcome.mutation === mutation) console.log(sentence(outcome))
}
const found = outcomes.filter((it) => it.found !== undefined).length
console.log(`${found} of ${chosen.length} found`)
process.exit(found === chosen.length && found > 0 ? 0 : 1)
