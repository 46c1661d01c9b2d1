/** What to type to see a run again. */
import type { Plan } from "#schemas/simulation/Plan"

/** For a plan as the scenarios make it; one that was changed since, as by shrinking, is replayed from its file. */
export const commandOf = (plan: Plan): string =>
  [
    `allium sim --scenario ${plan.scenario} --nodes ${plan.nodes} --seed ${plan.seed}`,
    `--hours ${Number((plan.lasts / 3_600).toPrecision(6))}`,
    `--sessions ${plan.sessions} --storage ${plan.storage} --tempo ${plan.tempo}`
  ].join(" ")
