/** Histories told by a seed, and the smallest part of one that still goes wrong. */
import { ACTIONS, chance, type Step, whatDiffers } from "./histories.ts"

export interface History {
  readonly replicas: number
  readonly steps: ReadonlyArray<Step>
}

export const historyOfSeed = (seed: number): History => {
  const random = chance(seed)
  const replicas = 2 + random(3)
  const steps = Array.from({ length: 5 + random(80) }, () => ({
    replica: random(replicas),
    action: random(ACTIONS),
    at: random(40),
    count: random(12),
    more: random(30)
  }))
  return { replicas, steps }
}

/** What differs between replicas that have had everything, or what was thrown; undefined if all is well. */
export const faultOf = ({ replicas, steps }: History, seed: number): string | undefined => {
  try {
    return whatDiffers(replicas, steps, chance(~seed))
  } catch (error) {
    return String(error)
  }
}

/** Leaves out steps, half of them at once to begin with, for as long as something goes wrong; then replicas. */
export const shrunk = (history: History, seed: number): History => {
  const fails = (smaller: History) => faultOf(smaller, seed) !== undefined
  let best = history
  for (let size = best.steps.length >> 1; size > 0; ) {
    const smaller = Array.from({ length: Math.ceil(best.steps.length / size) }, (_, part) => ({
      ...best,
      steps: best.steps.filter((_, at) => Math.floor(at / size) !== part)
    })).find(fails)
    if (smaller !== undefined) best = smaller
    else size >>= 1
  }
  while (best.replicas > 2 && fails({ ...best, replicas: best.replicas - 1 }))
    best = { ...best, replicas: best.replicas - 1 }
  return best
}

/** The sentence for the first of these seeds that goes wrong. */
export const firstFault = (first: number, count: number): string | undefined => {
  for (let seed = first; seed < first + count; seed++) {
    const history = historyOfSeed(seed)
    const fault = faultOf(history, seed)
    if (fault === undefined) continue
    const small = shrunk(history, seed)
    return (
      `seed ${seed}: ${fault}\n${small.steps.length} of ${history.steps.length} steps: ${faultOf(small, seed)}\n` +
      `${JSON.stringify(small)}\n` +
      `Again: node --conditions=allium-source test/core/crdt/manyHistories.ts 1 ${seed}`
    )
  }
  return undefined
}
