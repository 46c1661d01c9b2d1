/** Relays of the test's making, and chance that repeats itself. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import type { TableNode } from "#core/dht/TableEntry"
import { keyOf } from "#schemas/bytes/bytes"
import { parseAddress } from "#schemas/transport/Address"

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** The same numbers again for the same seed. */
export const chanceOf = (seed: number) => {
  let state = seed + 1
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Number `n`, with an address in each of these /16 networks of 10.0.0.0. */
export const relay = (n: number, networks: ReadonlyArray<number> = [n & 255]): TableNode => {
  const nodeId = new Uint8Array(createHash("sha256").update(String(n)).digest())
  const addresses = networks.map((network) =>
    Result.getOrThrow(parseAddress(`/ip4/10.${network}.${n >> 8}.${n & 255}/tcp/4001`))
  )
  return { key: keyOf(nodeId), nodeId, addresses }
}
