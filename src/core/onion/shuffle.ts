/** An order that nobody can guess. */
import type { Draw } from "./sealStack.ts"

/** Bytes of each draw by lot. Over a few thousand items no place is likelier than another by more than a millionth. */
const LOT = 4

/** The same items in an order drawn by lot (Fisher and Yates, after Durstenfeld 1964). */
export const shuffle = <A>(items: ReadonlyArray<A>, draw: Draw): ReadonlyArray<A> => {
  const all = [...items]
  if (all.length < 2) return all
  const lots = draw(LOT * (all.length - 1))
  const view = new DataView(lots.buffer, lots.byteOffset)
  for (let last = all.length - 1; last > 0; last--) {
    const place = view.getUint32(LOT * (last - 1)) % (last + 1)
    const item = all[last]!
    all[last] = all[place]!
    all[place] = item
  }
  return all
}
