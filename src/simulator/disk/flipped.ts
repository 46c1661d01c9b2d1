import type { Dice } from "../Dice.ts"

/** A copy of bytes, at least one, in which one bit is another. */
export const flipped = (bytes: Uint8Array, dice: Dice): Uint8Array => {
  const copy = bytes.slice()
  const at = dice.int(copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 << dice.int(8))
  return copy
}
