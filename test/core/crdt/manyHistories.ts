/**
 * `node --conditions=allium-source test/core/crdt/manyHistories.ts [histories] [first seed]`: the property of
 * convergence.test.ts over as many seeds as one likes, 10,000 by default. The first that fails is printed, and the
 * smallest part of it that does. The simulation has the same ten thousand.
 */
import { firstFault } from "./shrunkHistory.ts"

const count = Number(process.argv[2] ?? 10_000)
const fault = firstFault(Number(process.argv[3] ?? 1), count)
if (fault !== undefined) {
  console.error(fault)
  process.exit(1)
}
console.log(`${count} histories converged`)
