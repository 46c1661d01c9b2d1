/**
 * Names in ascending order, for walks along a map that keeps none: put in order when somebody walks, and what came since
 * the last walk is merged in. Where nobody walks nothing is kept.
 */

/** Names that may have come since the last walk: so many, or as many as there were. */
const FRESH = 1_024

export class SortedNames {
  readonly #all: () => Iterable<string>
  readonly #isThere: (name: string) => boolean
  /** A few of them may have left. Undefined before the first walk, and when too much has changed since the last. */
  #sorted: Array<string> | undefined
  #fresh: Array<string> = []
  #gone = 0

  /** All that the map has now, and whether it has one of them. */
  constructor(all: () => Iterable<string>, isThere: (name: string) => boolean) {
    this.#all = all
    this.#isThere = isThere
  }

  /** One has come into the map. */
  came(name: string): void {
    if (this.#sorted === undefined) return
    this.#fresh.push(name)
    if (this.#fresh.length > Math.max(FRESH, this.#sorted.length)) this.#forget()
  }

  /** One has left the map. */
  left(): void {
    if (this.#sorted !== undefined && ++this.#gone > Math.max(FRESH, this.#sorted.length / 2)) this.#forget()
  }

  /** All above `name`, and itself where `inclusive`. The map stays as it is meanwhile. */
  *from(name: string, inclusive: boolean): Generator<string> {
    const names = this.#settled()
    for (let at = indexOf(names, name, inclusive); at < names.length; at++) {
      const it = names[at] as string
      if (this.#isThere(it)) yield it
    }
  }

  #forget(): void {
    this.#sorted = undefined
    this.#fresh = []
    this.#gone = 0
  }

  #settled(): Array<string> {
    if (this.#sorted === undefined) this.#sorted = [...this.#all()].sort()
    else if (this.#fresh.length > 0) this.#sorted = merged(this.#sorted, this.#fresh.sort())
    this.#fresh = []
    return this.#sorted
  }
}

/** Both ascend. A name that left and came again stands in both. */
const merged = (old: ReadonlyArray<string>, fresh: ReadonlyArray<string>): Array<string> => {
  const all: Array<string> = []
  const push = (name: string): void => {
    if (all.at(-1) !== name) all.push(name)
  }
  let at = 0
  for (const name of old) {
    for (; at < fresh.length && (fresh[at] as string) <= name; at++) push(fresh[at] as string)
    push(name)
  }
  for (; at < fresh.length; at++) push(fresh[at] as string)
  return all
}

/** Of the first that is above `name`, or at it. */
const indexOf = (names: ReadonlyArray<string>, name: string, inclusive: boolean): number => {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const it = names[middle] as string
    if (it < name || (!inclusive && it === name)) low = middle + 1
    else high = middle
  }
  return low
}
