import { assert, describe, it } from "@effect/vitest"
import { GRAYLIST_THRESHOLD, PeerScore } from "#core/gossip/PeerScore"
import { CROWD_FREE, Scores } from "#core/gossip/Scores"

const MINUTE = 60_000

describe("PeerScore", () => {
  it("grows with time in a mesh and with messages that it brought first, up to a limit", () => {
    const score = new PeerScore()
    assert.strictEqual(score.at(0, 0), 0)
    score.enteredMesh("t", 0)
    assert.closeTo(score.at(2 * MINUTE, 0), 1, 0.001)
    assert.closeTo(score.at(100 * MINUTE, 0), 3, 0.001)
    for (let n = 0; n < 1_000; n++) score.broughtFirst("t", 100 * MINUTE)
    assert.closeTo(score.at(100 * MINUTE, 0), 23, 0.001)
    assert.closeTo(score.at(102 * MINUTE, 0), 13, 0.001)
    for (let n = 0; n < 1_000; n++) score.broughtFirst("u", 100 * MINUTE)
    assert.closeTo(score.at(100 * MINUTE, 0), 30, 0.001)
    score.leftMesh("t")
    score.forget("u")
    assert.closeTo(score.at(100 * MINUTE, 0), 20, 0.001)
  })

  it("the first refused message ends the mesh, the third the hearing, whatever it has earned before", () => {
    const score = new PeerScore()
    score.sentInvalid(0)
    assert.isBelow(score.at(0, 0), 0)
    score.sentInvalid(0)
    assert.isAbove(score.at(0, 0), GRAYLIST_THRESHOLD)
    score.sentInvalid(0)
    assert.isBelow(score.at(0, 0), GRAYLIST_THRESHOLD)
    for (let n = 0; n < 1_000; n++) score.broughtFirst("t", 0)
    score.sentInvalid(0)
    assert.isBelow(score.at(0, 0), GRAYLIST_THRESHOLD)
  })

  it("forgives what may happen to the honest, and everything with time", () => {
    const score = new PeerScore()
    for (let n = 0; n < 5; n++) score.misbehaved(0)
    assert.strictEqual(score.at(0, 0), 0)
    for (let n = 0; n < 10; n++) score.misbehaved(0)
    assert.isBelow(score.at(0, 0), GRAYLIST_THRESHOLD)
    assert.isFalse(score.isClean(0))
    assert.strictEqual(score.at(2 * MINUTE, 0), 0)
    assert.isTrue(score.isClean(15 * MINUTE))
  })
})

describe("Scores", () => {
  it("whoever comes back finds the bad score that it left with, and nothing of the good", () => {
    const scores = new Scores(10)
    scores.enter("bad", undefined)
    scores.enter("good", undefined)
    for (let n = 0; n < 4; n++) scores.sentInvalid("bad", 0)
    scores.enteredMesh("good", "t", 0)
    for (const peer of ["good", "bad"]) scores.leave(peer, 0)
    assert.deepStrictEqual([scores.size, scores.gone], [0, 1])
    assert.isTrue(scores.isGraylisted("bad", 0))
    scores.enter("bad", undefined)
    scores.enter("good", undefined)
    assert.isTrue(scores.isGraylisted("bad", 0))
    assert.strictEqual(scores.of("good", MINUTE), 0)
  })

  it("what lowers a score is seen at once, though it is not computed anew for every frame", () => {
    const scores = new Scores(10)
    scores.enter("p", undefined)
    scores.enteredMesh("p", "t", 0)
    assert.strictEqual(scores.of("p", 10), scores.of("p", 500))
    scores.sentInvalid("p", 500)
    assert.isBelow(scores.of("p", 500), 0)
  })

  it("of many from one network those who came later stand below zero; the first are not to blame", () => {
    const scores = new Scores(10)
    for (let n = 0; n < CROWD_FREE + 10; n++) scores.enter(`${n}`, "4:a")
    scores.enter("elsewhere", "4:b")
    const all = Array.from({ length: CROWD_FREE + 10 }, (_, n) => scores.of(`${n}`, 0))
    assert.deepStrictEqual(all.slice(0, CROWD_FREE), new Array(CROWD_FREE).fill(0))
    assert.deepStrictEqual([all[CROWD_FREE], all[CROWD_FREE + 9]], [-1, -100])
    assert.strictEqual(scores.of("elsewhere", 0), 0)
    scores.leave("0", 0)
    assert.strictEqual(scores.of(`${CROWD_FREE}`, 2_000), 0)
  })

  it("remembers no more bad scores than its limit, and none that time has forgiven", () => {
    const scores = new Scores(10)
    for (let n = 0; n < 100; n++) {
      scores.enter(`${n}`, "4:a")
      scores.misbehaved(`${n}`, n)
      scores.leave(`${n}`, n)
    }
    assert.strictEqual(scores.gone, 10)
    scores.sweep(30 * MINUTE)
    assert.strictEqual(scores.gone, 0)
  })
})
