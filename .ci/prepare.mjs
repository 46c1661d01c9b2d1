// Mends the one dependency that lags behind: the newest @effect/sql-sqlite-node for Effect 4 imports
// `effect/unstable/…`, which effect 4.1 moved to `effect/…`; nothing else changed. Idempotent, and does nothing
// once a release no longer needs it. Runs on `npm install` and `npm ci` here, never for a consumer: the published
// package carries the mended copy (bundleDependencies).
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const dist = fileURLToPath(new URL("../node_modules/@effect/sql-sqlite-node/dist/", import.meta.url))
if (existsSync(dist)) {
  for (const name of readdirSync(dist).filter((name) => /\.(js|d\.ts)$/.test(name))) {
    const text = readFileSync(join(dist, name), "utf8")
    const mended = text.replaceAll('"effect/unstable/', '"effect/')
    if (mended !== text) writeFileSync(join(dist, name), mended)
  }
}
