import { assert, describe, it } from "@effect/vitest"
import { Layer } from "effect"
import { nobleSuite } from "#core/identity/nobleSuite"
import { seededBytes } from "#core/identity/seededBytes"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as SeededRandom from "#layers/identity/SeededRandom"
import { secureRandomLaws } from "../../laws/secureRandom.ts"
import { sameBytes } from "../../laws/suite.ts"

secureRandomLaws("NodeRandom", NodeRandom.layer)
secureRandomLaws("SeededRandom", SeededRandom.layer("seed").pipe(Layer.provide(NodeCrypto.layer)))

describe("seededBytes", () => {
  it("the stream depends on the seed alone: not on the suite, nor on how it is cut", () => {
    const whole = seededBytes(nobleSuite, "a")(10_000)
    const draw = seededBytes(NodeCrypto.suite, "a")
    sameBytes(Buffer.concat([1, 31, 4_064, 5_904].map(draw)), whole)
    assert.notDeepEqual(seededBytes(nobleSuite, "b")(32), whole.slice(0, 32))
  })
})
