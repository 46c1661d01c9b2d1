/**
 * What becomes of a write that waits when another of the same name comes. The later version takes its place at the end of
 * the row: whatever was written between the two is then there before it, as its writer saw it to be.
 */
import { equalBytes } from "#schemas/bytes/bytes"

export interface Waiting {
  readonly seq: number
  readonly bytes: Uint8Array
}

/**
 * `Stays`: what came is older, and already superseded. `LivesLonger`: it is the same, which keeps its place and lives for
 * the longest that was asked. `GivesWay`: what waits leaves, what came goes to the end.
 */
export type Coalescence = "Stays" | "LivesLonger" | "GivesWay"

export const coalesce = (waiting: Waiting, offered: Waiting): Coalescence => {
  if (equalBytes(waiting.bytes, offered.bytes)) return "LivesLonger"
  return offered.seq < waiting.seq ? "Stays" : "GivesWay"
}
