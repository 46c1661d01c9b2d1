/** Changes one byte of every other cell: mostly in the body, where the message is, at times in the stack. */
import { Effect } from "effect"
import { STACK_BYTES } from "#schemas/onion/OnionCell"
import { SecureRandom } from "#services/identity/SecureRandom"
import type { MakeCarrier } from "../watchedCells.ts"

/** Every fourth change is one of the stack. */
const STACK_EVERY = 8

export const carrier: MakeCarrier = Effect.map(SecureRandom, (random) => {
  let turn = 0

  const spoilt = (cell: Uint8Array, inStack: boolean): Uint8Array => {
    const [drawn, changed] = [random.bytes(5), cell.slice()]
    const [from, length] = inStack ? [0, STACK_BYTES] : [STACK_BYTES, cell.length - STACK_BYTES]
    const at = from + (new DataView(drawn.buffer, drawn.byteOffset).getUint32(0) % length)
    changed[at] = (changed[at] ?? 0) ^ (1 + ((drawn[4] ?? 0) % 255))
    return changed
  }

  return (cell, give) => {
    turn++
    return give(turn % 2 === 0 ? spoilt(cell, turn % STACK_EVERY === 0) : cell)
  }
})
