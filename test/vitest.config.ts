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
    // Half a second a file went into loading the same modules again. What they keep from one file to the next is caches,
    // pools and metrics, so tests look at how much a metric grew.
    isolate: false,
    maxWorkers: 2
  }
})
