/** Gossip in a network of two hundred, a fifth of which is hostile. */
import { describe } from "@effect/vitest"
import { hostile } from "../layers/gossip/hostile.ts"
import { virtually } from "../simulator/inVirtualTime.ts"

describe("gossip of 200 nodes", () => {
  virtually("reaches 99 of 100 where a fifth drop or spam, and no spammer is heard in the end", ({ time }) =>
    hostile(time, 200, 20)
  )
})
