import { assert, describe, it } from "@effect/vitest"
import { FAILURES_ALLOWED, NETWORKS_WANTED, Reachability } from "#core/dht/Reachability"

const MANY = 50

describe("Reachability", () => {
  it("serves once peers of three networks have reached it, however often those of fewer did", () => {
    const reachability = new Reachability(false)
    for (const network of ["a", "b", "a", "b", "a"]) reachability.tried(network, true, MANY)
    assert.isFalse(reachability.serving)
    assert.isFalse(reachability.wants("a"))
    assert.isTrue(reachability.wants("c"))
    reachability.tried("c", true, MANY)
    assert.isTrue(reachability.serving)
    assert.strictEqual(NETWORKS_WANTED, 3)
  })

  it("is content with all networks that there are", () => {
    const reachability = new Reachability(false)
    reachability.tried("a", true, 2)
    assert.isFalse(reachability.serving)
    reachability.tried("b", true, 2)
    assert.isTrue(reachability.serving)
  })

  it("serves no longer after three failures in a row, and then begins anew", () => {
    const reachability = new Reachability(true)
    for (const reached of [false, false, true, false, false]) reachability.tried("a", reached, MANY)
    assert.isTrue(reachability.serving)
    assert.isTrue(reachability.wants("a"))
    reachability.tried("b", false, MANY)
    assert.isFalse(reachability.serving)
    assert.strictEqual(FAILURES_ALLOWED, 3)
    for (const network of ["a", "b"]) reachability.tried(network, true, MANY)
    assert.isFalse(reachability.serving)
    reachability.tried("c", true, MANY)
    assert.isTrue(reachability.serving)
  })

  it("forgets who reached it when three in a row do not", () => {
    const reachability = new Reachability(false)
    for (const network of ["a", "b"]) reachability.tried(network, true, MANY)
    for (let n = 0; n < FAILURES_ALLOWED; n++) reachability.tried("x", false, MANY)
    reachability.tried("c", true, MANY)
    assert.isFalse(reachability.serving)
    assert.isTrue(reachability.wants("a"))
  })
})
