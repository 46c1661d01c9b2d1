#!/usr/bin/env node
/**
 * The `allium` command's first file: plain JavaScript that any Node can read, so that an old one gets a sentence and
 * not a stack trace. In a checkout it runs the TypeScript sources beside it, in an installed package the built ones.
 */
import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

const NODE_MAJOR = 24

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  process.stderr.write(
    `allium needs Node.js ${NODE_MAJOR} or newer and this is ${process.version}: install it from https://nodejs.org\n`
  )
  process.exit(1)
}

const { enableCompileCache, registerHooks } = await import("node:module")
// Half of a start is compiling. Kept in the user's own folder, since whoever can write there could run code here;
// where it cannot be written nothing happens.
enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "allium"))

const source = new URL("./main.ts", import.meta.url)
if (existsSync(source)) {
  // Makes the package's own `imports` and `exports` lead to the sources, as --conditions=allium-source would.
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ["allium-source", ...context.conditions] })
  })
  await import(source.href)
} else {
  await import("../../dist/cli/main.js")
}
