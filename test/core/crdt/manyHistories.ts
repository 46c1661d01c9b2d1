/**
 * `node --conditions=allium-source test/core/crdt/manyHistories.ts [histories] [first seed]`: the property of
 * convergence.test.ts over as many seeds as one likes, 10,000 by default. The first that fails is printed.
 */
import { ACTIONS, chance, whatDiffers } from "./histories.ts"

const count = Number(process.argv[2] ?? 10_000)
const first = Number(process.argv[3] ?? 1)
for (let seed = first; seed < first + count; seed++) {
  const random = chance(seed)
  const replicas = 2 + random(3)
  const steps = Array.from({ length: 5 + random(80) }, () => ({
    replica: random(replicas),
    action: random(ACTIONS),
    at: random(40),
    count: random(12),
    more: random(30)
  }))
  let differs: string | undefined
  try {
    differs = whatDiffers(replicas, steps, random)
  } catch (error) {
    differs = String(error)
  }
  if (differs !== undefined) {
    console.error(`seed ${seed}: ${differs}`)
    process.exit(1)
  }
}
console.log(`${count} histories converged`)
