import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  resolve: { conditions: ["allium-source"] },
  ssr: { resolve: { conditions: ["allium-source"] } },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 30_000,
    execArgv: ["--conditions=allium-source"],
    maxWorkers: 2
  }
})
