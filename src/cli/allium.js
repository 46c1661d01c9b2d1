#!/usr/bin/env node
/**
 * The `allium` command's first file: plain JavaScript that any Node can read, so that an old one gets a sentence and
 * not a stack trace. In a checkout it runs the TypeScript sources beside it, in an installed package the built ones.
 */
import { existsSync } from "node:fs"

const NODE_MAJOR = 24

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  process.stderr.write(
    `allium needs Node.js ${NODE_MAJOR} or newer and this is ${process.version}: install it from https://nodejs.org\n`
  )
  process.exit(1)
}

const source = new URL("./main.ts", import.meta.url)
if (existsSync(source)) {
  const { registerHooks } = await import("node:module")
  // Makes the package's own `imports` and `exports` lead to the sources, as --conditions=allium-source would.
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ["allium-source", ...context.conditions] })
  })
  await import(source.href)
} else {
  await import("../../dist/cli/main.js")
}
