/** Keeps half of the cells that it should send, and tells nobody. */
import { Effect } from "effect"
import { SecureRandom } from "#services/identity/SecureRandom"
import type { MakeCarrier } from "../watchedCells.ts"

export const carrier: MakeCarrier = Effect.map(
  SecureRandom,
  (random) => (cell, give) => (random.bytes(1)[0] ?? 0) < 128 || give(cell)
)
