/** The bit that turned over, for disks of either kind. */
import type { Dice } from "../Dice.ts"

/** A copy in which one bit is another; of bytes that are not empty. */
export const flipped = (bytes: Uint8Array, dice: Dice): Uint8Array => {
  const copy = bytes.slice()
  const at = dice.int(copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 << dice.int(8))
  return copy
}
