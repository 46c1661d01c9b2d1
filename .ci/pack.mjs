// Makes what is published: `dist` as tsc emits it for those who import allium, and the command line as one bundle
// (dist/cli), because loading some four hundred modules one by one costs three times as long as starting a node may.
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const root = fileURLToPath(new URL("..", import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })
const tsc = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}tsconfig.build.json`],
  {
    stdio: "inherit"
  }
)
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

const bundle = await rolldown({
  // The thread that simulates is started by its file, so it needs one.
  input: { main: `${root}src/cli/main.ts`, simWorker: `${root}src/cli/simWorker.ts` },
  platform: "node",
  resolve: { conditionNames: ["allium-source", "import", "node", "default"] },
  treeshake: true,
  logLevel: "warn"
})
await bundle.write({ dir: `${root}dist/cli`, format: "esm", entryFileNames: "[name].js", minify: true })
await bundle.close()
