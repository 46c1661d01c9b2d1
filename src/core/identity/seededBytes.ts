/**
 * Bytes without end from a seed, for tests and simulations: the ChaCha20 key stream under SHA-256 of the seed. Draws
 * follow each other in the stream, so their sizes do not matter: two of 16 are one of 32.
 */
import { utf8 } from "#schemas/bytes/bytes"
import type { Suite } from "./Suite.ts"

/** Key stream made at once; a multiple of the cipher's block. */
const CHUNK = 4096
const BLOCKS = CHUNK / 64

export const seededBytes = (suite: Suite, seed: string | Uint8Array): ((count: number) => Uint8Array) => {
  const key = suite.sha256(typeof seed === "string" ? utf8(seed) : seed)
  const nonce = new DataView(new ArrayBuffer(12))
  const zeros = new Uint8Array(CHUNK)
  let chunk = new Uint8Array(0)
  let used = 0
  let made = 0
  const refill = () => {
    // The block counter has 32 bits; what goes beyond stands in the nonce, so that the stream does not come round.
    const block = made * BLOCKS
    nonce.setUint32(0, Math.floor(block / 2 ** 32))
    chunk = Uint8Array.from(suite.chacha20(key, new Uint8Array(nonce.buffer), block % 2 ** 32, zeros))
    made++
    used = 0
  }
  return (count) => {
    const out = new Uint8Array(count)
    for (let at = 0; at < count; ) {
      if (used === chunk.length) refill()
      const take = Math.min(count - at, chunk.length - used)
      out.set(chunk.subarray(used, used + take), at)
      used += take
      at += take
    }
    return out
  }
}
