/** What a heartbeat makes of a mesh: who stays, who goes, and who is taken in. Chance is given. */
import { type Pick, sample, shuffled } from "./pick.ts"

/** Members of a mesh: as it should be, as thin and as thick as it may be (gossipsub). */
export const DEGREE = 6
export const DEGREE_LOW = 4
export const DEGREE_HIGH = 12
/** Of those, dialled by this node: a mesh that only strangers have entered is theirs. */
export const DEGREE_DIALLED = 2
/** Of a mesh that is too thick, the best stay whatever chance says: nobody crowds them out by coming in numbers. */
const BEST = 4
/** Where the median of the scores is below this, so many with better ones are tried. */
const OPPORTUNITY_BELOW = 2
const OPPORTUNITIES = 2

export interface MeshView {
  readonly members: ReadonlySet<string>
  /** Who could be taken in; asked for only where somebody is missing. */
  readonly wanted: () => ReadonlyArray<string>
  readonly scoreOf: (peer: string) => number
  readonly isDialled: (peer: string) => boolean
  readonly pick: Pick
  /** Whether it is time to grow away from those who only take. */
  readonly looksForBetter: boolean
}

/** The members as they shall be. */
export const tended = (view: MeshView): ReadonlySet<string> => {
  const { isDialled, looksForBetter, members, pick, scoreOf, wanted } = view
  let stays = new Set([...members].filter((peer) => scoreOf(peer) >= 0))
  const take = (candidates: Iterable<string>, count: number) => {
    for (const peer of sample(candidates, Math.min(count, DEGREE_HIGH - stays.size), pick)) stays.add(peer)
  }
  const others = (which: (peer: string) => boolean) => wanted().filter((peer) => !stays.has(peer) && which(peer))
  if (stays.size < DEGREE_LOW) take(wanted(), DEGREE - stays.size)
  if (stays.size > DEGREE_HIGH) stays = thinned(stays, view)
  const missing = DEGREE_DIALLED - [...stays].filter(isDialled).length
  if (missing > 0) take(others(isDialled), missing)
  if (!looksForBetter) return stays
  const median = medianOf([...stays].map(scoreOf))
  if (median < OPPORTUNITY_BELOW) {
    const better = others((peer) => scoreOf(peer) > median)
    take(better, OPPORTUNITIES)
  }
  return stays
}

/** The best, some that this node dialled, and chance for the rest. */
const thinned = (members: ReadonlySet<string>, { isDialled, pick, scoreOf }: MeshView): Set<string> => {
  // The sort is stable, so equals stay in the order that chance has given them.
  const ranked = shuffled(members, pick).sort((a, b) => scoreOf(b) - scoreOf(a))
  const best = ranked.slice(0, BEST)
  const rest = shuffled(ranked.slice(BEST), pick)
  const missing = Math.max(0, DEGREE_DIALLED - best.filter(isDialled).length)
  const stays = new Set([...best, ...rest.filter(isDialled).slice(0, missing)])
  for (const peer of rest) if (stays.size < DEGREE) stays.add(peer)
  return stays
}

/** The upper one of two; zero where there are none. */
const medianOf = (scores: Array<number>): number => scores.sort((a, b) => a - b)[Math.floor(scores.length / 2)] ?? 0
