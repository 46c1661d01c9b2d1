/** Choosing among neighbours. Chance is an argument, so that a run can be repeated. */

/** A whole number from zero, below `count`. */
export type Pick = (count: number) => number

/** `count` of the items, or all there are, in random order. */
export const sample = <A>(items: Iterable<A>, count: number, pick: Pick): Array<A> => {
  const rest = [...items]
  const wanted = Math.max(0, Math.min(count, rest.length))
  for (let at = 0; at < wanted; at++) {
    const other = at + pick(rest.length - at)
    const chosen = rest[other] as A
    rest[other] = rest[at] as A
    rest[at] = chosen
  }
  rest.length = wanted
  return rest
}

export const shuffled = <A>(items: Iterable<A>, pick: Pick): Array<A> => sample(items, Number.POSITIVE_INFINITY, pick)
