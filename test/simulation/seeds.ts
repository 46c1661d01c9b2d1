/** Which seeds are run: told through the environment, which the test runner hands on to its workers. */
export const COUNT = "ALLIUM_SEEDS"
export const FIRST = "ALLIUM_FIRST_SEED"

const SEEDS = 50
/** Scenarios cost differently, and take turns with the seeds: so the halves do, too, but not in step. */
const TURN = 8

export const seedsFrom = (environment: Readonly<Record<string, string | undefined>>) => ({
  count: Number(environment[COUNT] ?? SEEDS),
  first: Number(environment[FIRST] ?? 1)
})

export const halfOf = (seed: number): number => Math.abs(seed + Math.floor(seed / TURN)) % 2
