import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config"
import base from "../vitest.config.ts"

/** Two workers, for two cores: each has half of the seeds. */
const half = (half: 0 | 1): TestProjectInlineConfiguration => ({
  ...base,
  test: {
    ...base.test,
    name: half === 0 ? "first half" : "second half",
    include: ["test/simulation/**/*.simulation.ts"],
    testTimeout: 600_000,
    experimental: { viteModuleRunner: false },
    env: { ALLIUM_SEEDS_HALF: String(half) }
  }
})

export default defineConfig({ test: { projects: [half(0), half(1)], maxWorkers: 2 } })
