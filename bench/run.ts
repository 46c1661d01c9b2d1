/**
 * `npm run bench [-- session rpc dht store onion crdt ucxl startup simulator]`: every figure of Allium, one process at a time, as JSON lines.
 * bench/peers holds the same figures of other systems; run it after this one for a fair comparison.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const runs: Record<string, ReadonlyArray<ReadonlyArray<string>>> = {
  session: [["session.ts"]],
  rpc: [["rpc.ts"]],
  dht: [
    ["dht.ts", "16"],
    ["dht.ts", "50"],
    ["dht.ts", "50", "--sqlite"],
    ["dht.ts", "50", "--memory"]
  ],
  store: [["store.ts"]],
  onion: [["onion.ts"], ["relay.ts"], ["anonymous.ts"]],
  crdt: [["crdt.ts"]],
  ucxl: [["ucxl.ts"]],
  startup: [["startup.ts"]],
  simulator: [["simulator.ts"]]
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => runs[name] === undefined)
if (unknown.length > 0) {
  console.error(`There is no figure ${unknown.join(", ")}; there are ${Object.keys(runs).join(", ")}.`)
  process.exit(2)
}

let failed = false
for (const name of wanted.length > 0 ? wanted : Object.keys(runs)) {
  for (const [file, ...args] of runs[name] ?? []) {
    const path = fileURLToPath(new URL(file ?? "", import.meta.url))
    const child = spawn(process.execPath, ["--expose-gc", "--conditions=allium-source", path, ...args], {
      stdio: ["ignore", "inherit", "inherit"]
    })
    const [code] = await once(child, "close")
    if (code !== 0) failed = true
  }
}
process.exitCode = failed ? 1 : 0
