/**
 * Choosing the relays of a path: by lot, the better ones more often, no two of one network. Those that just failed, and
 * those to be spared for the first place, only where it cannot be done without them.
 *
 * Every candidate draws a lot, exponentially distributed by its weight, and the lowest are taken: that is a draw by
 * weight without putting back (Efraimidis and Spirakis, 2006). Where the first ones share networks, the next ones are
 * tried, so a path is found whenever there is one, within a number of tries that no stranger's record can exceed.
 */

/** A number from 0, below 1. */
export type Chance = () => number

export interface Placed {
  readonly key: string
  /** That it has addresses in. None where networks do not matter. */
  readonly networks: ReadonlyArray<string>
}

export interface Choice<R extends Placed> {
  /** Of these is the first one, in order of preference. */
  readonly firsts: ReadonlyArray<R>
  readonly others: Iterable<R>
  readonly count: number
  /** Above 0. */
  readonly weight: (relay: R) => number
  readonly isSuspect: (relay: R) => boolean
  /** In any other place than the first. */
  readonly isSpared: (relay: R) => boolean
  readonly chance: Chance
}

/** Records may name eight networks each, made up to clash as often as possible: 512 of them would take minutes. */
const TRIES = 4_096

export const pickRelays = <R extends Placed>(choice: Choice<R>): ReadonlyArray<R> | undefined => {
  const { count, firsts, isSpared, isSuspect } = choice
  const [good, bad] = split(firsts, isSuspect)
  const [better, worse] = split(inLots(choice.others, choice), (relay) => isSuspect(relay) || isSpared(relay))
  return search(good, better, count) ?? search([...good, ...bad], [...better, ...worse], count)
}

/** In random order, by weight. */
export const inLots = <R>(
  relays: Iterable<R>,
  { chance, weight }: { readonly chance: Chance; readonly weight: (relay: R) => number }
): Array<R> => {
  const lots: Array<{ readonly relay: R; readonly lot: number }> = []
  for (const relay of relays) lots.push({ relay, lot: -Math.log(1 - chance()) / weight(relay) })
  return lots.sort((a, b) => a.lot - b.lot).map(({ relay }) => relay)
}

/** Whether both are one node, or share a network. */
export const clash = (a: Placed, b: Placed): boolean => {
  if (a.key === b.key) return true
  for (const network of a.networks) if (b.networks.includes(network)) return true
  return false
}

/** Without those that come last, and those. */
const split = <R>(relays: ReadonlyArray<R>, comesLast: (relay: R) => boolean): readonly [Array<R>, Array<R>] => [
  relays.filter((relay) => !comesLast(relay)),
  relays.filter(comesLast)
]

/** The first that goes together, in the order of both lists. */
const search = <R extends Placed>(
  firsts: ReadonlyArray<R>,
  others: ReadonlyArray<R>,
  count: number
): ReadonlyArray<R> | undefined => {
  let tries = TRIES
  const extend = (chosen: ReadonlyArray<R>, from: number): ReadonlyArray<R> | undefined => {
    if (chosen.length === count) return chosen
    for (let at = from; at < others.length && tries > 0; at++) {
      tries--
      const next = others[at]!
      if (chosen.some((it) => clash(it, next))) continue
      const found = extend([...chosen, next], at + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  for (const first of firsts) {
    const found = extend([first], 0)
    if (found !== undefined) return found
  }
  return undefined
}
