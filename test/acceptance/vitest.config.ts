import { defineConfig } from "vitest/config"
import base from "../vitest.config.ts"

/** The long checks with real processes: minutes, and one after the other, since they measure memory and time. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/acceptance/**/*.acceptance.ts"],
    testTimeout: 600_000,
    fileParallelism: false,
    isolate: true
  }
})
