/** What stood before in the map that is being written or read, which is said once and then referred to. */

/** UTF-16 units that are taken from what stood before, at most. */
export const SHARED_LIMIT = 63
export const TEXT_CODE = 11

export const OTHER_AUTHOR = 1
export const OTHER_COUNTER = 2
export const OTHER_LEAD = 4

class Before {
  key = ""
  /** The number of the author of a key's first entry. */
  first = 0
  counter = 0
  lead = 0
  /** By number of the author: his text, and how much of the one before was taken for it. */
  readonly texts: Array<string | undefined> = []
  readonly shared: Array<number | undefined> = []

  /** Before a map, and behind it, so that nothing of it is kept. */
  reset(): void {
    this.key = ""
    this.first = 0
    this.counter = 0
    this.lead = 0
    this.texts.length = 0
    this.shared.length = 0
  }
}

/** One for all maps: V8 forgets what it has learnt of a shape with the last object of it. */
export const before = new Before()

/** Units that both begin with; a surrogate pair is taken whole or not at all. */
export const sharedOf = (last: string, text: string): number => {
  const limit = Math.min(SHARED_LIMIT, last.length, text.length)
  let shared = 0
  while (shared < limit && last.charCodeAt(shared) === text.charCodeAt(shared)) shared++
  return shared > 0 && isHighSurrogate(text.charCodeAt(shared - 1)) ? shared - 1 : shared
}

export const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800
