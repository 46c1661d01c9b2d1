/** Whoever listens on the wire learns nothing. */
import { MARKER } from "../run/marker.ts"
import type { Invariant } from "./Invariant.ts"

export const noPlaintext: Invariant = {
  name: "no-plaintext",
  sentence: "Nothing that users store or write is readable on a wire.",
  watch: (simulation) => {
    if (simulation.plan.sessions !== "noise") return
    const marker = Buffer.from(MARKER)
    simulation.world.network.onCarried = (from, to, bytes) => {
      const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      if (message.includes(marker)) simulation.violated(noPlaintext, `between node ${from} and node ${to}`)
    }
  }
}

export const noncesAreFresh: Invariant = {
  name: "nonces-are-fresh",
  sentence: "No key seals two messages under one nonce.",
  check: function* ({ world }) {
    if (world.nonceReused) yield "a key sealed twice under one nonce"
  }
}
