/** All keys that begin with the same bits: how ranges of keys are named on the wire (WIRE.md §6, method 7). */
import { compareBytes } from "#schemas/bytes/bytes"
import { KEY_BITS } from "#schemas/dht/Ranges"

/** What is behind `bits` in `prefix` is zero. */
export interface KeyPrefix {
  readonly bits: number
  readonly prefix: Uint8Array
}

export const WHOLE: KeyPrefix = { bits: 0, prefix: new Uint8Array(KEY_BITS / 8) }

/** 0 or 1: the bit at a place counted from the front. */
export const bitOf = (key: Uint8Array, at: number): number => (key[at >> 3]! >> (7 - (at & 7))) & 1

export const hasPrefix = (key: Uint8Array, { bits, prefix }: KeyPrefix): boolean => {
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) if (key[at] !== prefix[at]) return false
  const rest = bits & 7
  return rest === 0 || (key[whole]! ^ prefix[whole]!) >> (8 - rest) === 0
}

/** The lowest key there is in it is its prefix; this is the highest. */
export const lastKeyOf = ({ bits, prefix }: KeyPrefix): Uint8Array => {
  const last = prefix.slice()
  const whole = bits >> 3
  if (whole < last.length) last[whole] = last[whole]! | (0xff >> (bits & 7))
  last.fill(0xff, whole + 1)
  return last
}

/** Its halves (`by` 1), quarters, eighths …, in ascending order. */
export const divide = ({ bits, prefix }: KeyPrefix, by: number): ReadonlyArray<KeyPrefix> =>
  Array.from({ length: 1 << by }, (_, part) => {
    const piece = part === 0 ? prefix : prefix.slice()
    for (let bit = 0; bit < by; bit++) {
      const at = bits + bit
      if ((part >> (by - 1 - bit)) & 1) piece[at >> 3] = piece[at >> 3]! | (0x80 >> (at & 7))
    }
    return { bits: bits + by, prefix: piece }
  })

/** What `divide` makes it from. */
export const wholeOf = ({ bits, prefix }: KeyPrefix, by: number): KeyPrefix => {
  const whole = prefix.slice()
  for (let at = bits - by; at < bits; at++) whole[at >> 3] = whole[at >> 3]! & ~(0x80 >> (at & 7))
  return { bits: bits - by, prefix: whole }
}

/** Which of the parts that `divide` makes a key lies in. */
export const partOf = (key: Uint8Array, bits: number, by: number): number => {
  let part = 0
  for (let bit = 0; bit < by; bit++) part = (part << 1) | bitOf(key, bits + bit)
  return part
}

/** Whether they are well formed, ascend, and no key lies in two of them. */
export const areDisjoint = (ranges: ReadonlyArray<KeyPrefix>): boolean => {
  let before: Uint8Array | undefined
  for (const range of ranges) {
    if (before !== undefined && compareBytes(range.prefix, before) <= 0) return false
    const last = lastKeyOf(range)
    if (!isClean(range)) return false
    before = last
  }
  return true
}

/** Neighbouring ranges made into as few rows of keys as they are, both ends included. */
export const runsOf = (
  ranges: ReadonlyArray<KeyPrefix>
): ReadonlyArray<{ readonly from: Uint8Array; readonly to: Uint8Array }> => {
  const runs: Array<{ from: Uint8Array; to: Uint8Array }> = []
  for (const range of ranges) {
    const run = runs.at(-1)
    if (run !== undefined && follows(run.to, range.prefix)) run.to = lastKeyOf(range)
    else runs.push({ from: range.prefix, to: lastKeyOf(range) })
  }
  return runs
}

/** Nothing is set behind `bits`. */
const isClean = ({ bits, prefix }: KeyPrefix): boolean => {
  const whole = bits >> 3
  if (whole < prefix.length && (prefix[whole]! & (0xff >> (bits & 7))) !== 0) return false
  for (let at = whole + 1; at < prefix.length; at++) if (prefix[at] !== 0) return false
  return true
}

/** Whether `next` is the key right after `key`. */
const follows = (key: Uint8Array, next: Uint8Array): boolean => {
  for (let at = key.length - 1; at >= 0; at--) {
    const isLast = key[at] === 0xff
    if (next[at] !== (isLast ? 0 : key[at]! + 1)) return false
    if (!isLast) return compareBytes(key.subarray(0, at), next.subarray(0, at)) === 0
  }
  return false
}
