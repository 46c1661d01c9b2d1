/**
 * Secret bytes from `node:crypto`. A call costs 2 µs however few bytes it asks for, so small draws are cut from a pool,
 * which is wiped behind them: what was handed out must not be found in this process twice.
 */
import { randomBytes, randomFillSync } from "node:crypto"
import { Layer } from "effect"
import { SecureRandom } from "#services/identity/SecureRandom"

const POOL = 4096

/** Larger draws are made for themselves. */
const SMALL = 256

export const make = (): SecureRandom["Service"] => {
  const pool = new Uint8Array(POOL)
  let used = POOL
  return {
    bytes: (count) => {
      if (count > SMALL) return new Uint8Array(randomBytes(count))
      if (used + count > POOL) {
        randomFillSync(pool)
        used = 0
      }
      const out = pool.slice(used, used + count)
      pool.fill(0, used, used + count)
      used += count
      return out
    }
  }
}

export const layer = Layer.sync(SecureRandom, make)
