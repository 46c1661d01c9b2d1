/** The plan of one seed of the long checks: every seed is another network, and the scenarios take turns. */
import { type Plan, Scenario } from "#schemas/simulation/Plan"
import { Dice } from "#simulator/Dice"
import { planOf } from "#simulator/plan/scenarios"

const FEWEST = 8
const MOST = 28
/** Hours; only a run of `LONG` shows whether the dead leave, so those that never come back get it. */
const SHORTEST = 0.5
const LONGEST = 1.25
const LONG = 1.75
/** In one run: a mean. */
const HERDS = 2

/** Some are large enough for buckets to be full, and for keys to be too far from a node: at a calm tempo, or they would last. */
const CROWDED = 0.25
const CROWD_LEAST = 56
const CROWD_MORE = 12

/** In some networks users write to each other by onion routes: always where relays spoil what they can. A minute. */
const WRITING = 0.4
const LETTERS = 2
const LETTERS_AMONG_HOSTILE = 4

export const planOfSeed = (seed: number): Plan => {
  const plan = quietPlanOf(seed)
  const { scenario, workload } = plan
  if (scenario === "byzantine") return { ...plan, workload: { ...workload, messages: LETTERS_AMONG_HOSTILE } }
  const isWriting = new Dice(seed).fork("letters").chance(WRITING)
  return isWriting ? { ...plan, workload: { ...workload, messages: LETTERS } } : plan
}

const quietPlanOf = (seed: number): Plan => {
  const plan = planOfFew(seed)
  const dice = new Dice(seed).fork("crowd")
  if (!dice.chance(CROWDED)) return plan
  const { hours, scenario } = { hours: Math.max(plan.lasts / 3_600, 1), scenario: plan.scenario }
  const crowd = planOf({ scenario, seed, nodes: CROWD_LEAST + dice.int(CROWD_MORE), hours, natted: plan.natted })
  return { ...crowd, sessions: "plain", tempo: "calm", workload: { ...crowd.workload, herds: HERDS / (hours * 60) } }
}

const planOfFew = (seed: number): Plan => {
  const dice = new Dice(seed).fork("plan of the long checks")
  const scenario = Scenario.literals[seed % Scenario.literals.length] ?? "steady"
  const crowd = scenario === "flash-crowd" ? 2 : 1
  const hours = scenario === "mass-failure" ? LONG : SHORTEST + dice.next() ** 3 * (LONGEST - SHORTEST)
  // What a run costs is decided by nodes and hours together.
  const most = Math.max(FEWEST + 3, Math.min(MOST, Math.round((MOST * 0.5) / hours / crowd)))
  const plan = planOf({
    scenario,
    seed,
    nodes: FEWEST + dice.int(most - FEWEST + 1),
    hours,
    natted: dice.chance(0.5) ? 0.3 * dice.next() : 0
  })
  return {
    ...plan,
    sessions: dice.chance(0.7) ? "noise" : "plain",
    storage: dice.chance(0.15) ? "sqlite" : "memory",
    tempo: dice.chance(0.9) ? "production" : "calm",
    workload: { ...plan.workload, herds: HERDS / (hours * 60) },
    link: { ...plan.link, ...(dice.chance(0.3) ? { loss: 0.03, duplication: 0.01, reordering: 0.05 } : {}) },
    ...(dice.chance(0.5) ? { peerBook: 24 + dice.int(41) } : {})
  }
}
