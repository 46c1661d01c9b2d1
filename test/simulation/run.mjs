// npm run test:simulation -- [--seeds 200] [--from 1000] [anything for vitest]: hands the seeds on to the workers.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const root = fileURLToPath(new URL("../..", import.meta.url))
const known = { seeds: { type: "string" }, from: { type: "string" } }
const { tokens, values } = parseArgs({ options: known, strict: false, allowPositionals: true, tokens: true })

const whole = (name, variable) => {
  const value = values[name]
  if (value === undefined) return {}
  if (!/^-?\d+$/.test(String(value))) {
    console.error(`--${name} wants a whole number, not "${value}"`)
    process.exit(1)
  }
  return { [variable]: String(value) }
}

const mine = new Set(
  tokens.flatMap((it) =>
    it.kind === "option" && it.name in known ? (it.inlineValue ? [it.index] : [it.index, it.index + 1]) : []
  )
)
const rest = process.argv.slice(2).filter((_, index) => !mine.has(index))
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/vitest/vitest.mjs`, "run", "--config", `${root}test/simulation/vitest.config.ts`, ...rest],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...whole("seeds", "ALLIUM_SEEDS"), ...whole("from", "ALLIUM_FIRST_SEED") }
  }
)
process.exit(status ?? 1)
