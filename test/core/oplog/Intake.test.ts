import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { Intake, type IntakeNode } from "#core/oplog/Intake"
import { OpGraph } from "#core/oplog/OpGraph"
import { bytesOfKey, compareBytes } from "#schemas/bytes/bytes"
import { authorKey, deliverable, headsOf, historyOf, keyOfNumber, places, shuffled, steps } from "./histories.ts"

const ROOM = { count: 1_000, bytes: 1_000_000 }

const node = (n: number, fields: Partial<IntakeNode> = {}): IntakeNode => ({
  key: keyOfNumber(n),
  authorKey: authorKey(0),
  seq: 1,
  lamport: 1,
  parents: [],
  bytes: new Uint8Array(10),
  ...fields
})

/** Offers, and takes whatever becomes the next. */
const feed = (intake: Intake<IntakeNode>, ops: Iterable<IntakeNode>, delivered: Array<string> = []) => {
  for (const op of ops) {
    intake.offer(op, new Map(), 0)
    for (let next = intake.take(); next !== undefined; next = intake.take()) {
      intake.accept(next)
      delivered.push(next.key)
    }
  }
  return delivered
}

const sorted = (keys: Iterable<string>) => [...keys].sort()

describe("Intake", () => {
  it.prop(
    "delivers what a naive log delivers, each once and parents first, in any order and with duplicates",
    [steps, places, Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })))],
    ([all, drawn, lost]) => {
      const ops = historyOf(all)
      const arriving = shuffled(ops, drawn).filter(({ key }) => key !== ops[lost]?.key)
      const intake = new Intake<IntakeNode>(ROOM)
      const delivered = feed(intake, arriving)
      const wanted = deliverable(arriving)
      assert.deepStrictEqual(sorted(delivered), sorted(wanted))
      const place = new Map(delivered.map((key, at) => [key, at]))
      const byKey = new Map(ops.map((op) => [op.key, op]))
      for (const key of delivered) {
        for (const parent of byKey.get(key)!.parents) assert.isBelow(place.get(parent)!, place.get(key)!)
      }
      const held = ops.filter(({ key }) => wanted.has(key))
      assert.deepStrictEqual(sorted(intake.graph.heads.keys()), headsOf(held).sort())
      for (const [author, { seq }] of intake.graph.authors) {
        assert.strictEqual(seq, held.filter((op) => op.authorKey === author).length)
      }
      assert.strictEqual(intake.early.size, new Set(arriving.map(({ key }) => key)).size - wanted.size)
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "ends where everything came in, however small its room, when what it lost is offered again",
    [steps, places],
    ([all, drawn]) => {
      const ops = historyOf(all)
      const intake = new Intake<IntakeNode>({ count: 3, bytes: 1_000 })
      const delivered: Array<string> = []
      for (let round = 0; round <= ops.length; round++) {
        feed(intake, shuffled(ops, drawn), delivered)
        assert.isAtMost(intake.early.size, 3)
      }
      assert.deepStrictEqual(sorted(delivered), sorted(ops.map(({ key }) => key)))
    },
    { arbitrary: { runs: 60 } }
  )

  it.prop(
    "says of an author's next operation what a naive log says",
    [steps],
    ([all]) => {
      const ops = historyOf(all)
      const graph = new OpGraph()
      for (const op of ops) graph.accept(op)
      const next = graph.nextOf(authorKey(1))
      assert.strictEqual(next.seq, ops.filter((op) => op.authorKey === authorKey(1)).length + 1)
      assert.strictEqual(next.lamport, 1 + Math.max(0, ...ops.map(({ lamport }) => lamport)))
      assert.deepStrictEqual(next.parents, headsOf(ops).map(bytesOfKey).sort(compareBytes))
    },
    { arbitrary: { runs: 100 } }
  )

  it("refuses by its word what has no place in the graph, and keeps nothing of it", () => {
    const intake = new Intake<IntakeNode>(ROOM)
    feed(intake, [node(1)])
    const parents = [keyOfNumber(1)]
    const offer = (op: IntakeNode) => intake.offer(op, new Map(), 0)
    const above = "lamport not one above its parents'"
    assert.deepStrictEqual(offer(node(2, { seq: 2, lamport: 3, parents })), { as: "refused", word: above })
    assert.deepStrictEqual(
      offer(node(2, { authorKey: authorKey(1), lamport: 1, parents: [...parents, keyOfNumber(9)] })),
      { as: "refused", word: above }
    )
    assert.deepStrictEqual(offer(node(2, { seq: 2, lamport: 1 })), {
      as: "refused",
      word: "lamport not above its author's last"
    })
    assert.deepStrictEqual(offer(node(1)), { as: "known" })
    assert.deepStrictEqual(offer(node(3)), { as: "equivocation" })
    feed(intake, [node(2, { seq: 2, lamport: 2, parents })])
    assert.deepStrictEqual(offer(node(1)), { as: "taken" })
    assert.strictEqual(intake.early.size, 0)
  })

  it("lets an author whose operation cannot be carried out stand still, and goes on with the others", () => {
    const intake = new Intake<IntakeNode>(ROOM)
    const bad = node(1)
    intake.offer(bad, new Map(), 0)
    intake.halt(intake.take()!)
    assert.strictEqual(intake.offer(bad, new Map(), 0).as, "refused")
    assert.strictEqual(intake.offer(node(2, { seq: 2, lamport: 2, parents: [bad.key] }), new Map(), 0).as, "refused")
    assert.deepStrictEqual(feed(intake, [node(3, { authorKey: authorKey(1) })]), [keyOfNumber(3)])
  })

  it("gives up the furthest of whoever takes most of the room, and those that waited too long", () => {
    const intake = new Intake<IntakeNode>({ count: 4, bytes: 1_000 })
    const early = (n: number, author: number, seq: number) =>
      intake.offer(
        node(n, { authorKey: authorKey(author), seq, lamport: seq, parents: [keyOfNumber(500)] }),
        new Map(),
        n
      )
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((n) => early(n, 0, n + 1).as),
      ["waits", "waits", "waits", "waits"]
    )
    assert.strictEqual(early(5, 1, 7).as, "waits")
    assert.isFalse(intake.early.has(keyOfNumber(4)))
    assert.strictEqual(early(4, 0, 5).as, "full")
    assert.deepStrictEqual(
      intake.early.since(3).map(({ op }) => op.key),
      [keyOfNumber(1), keyOfNumber(2)]
    )
    assert.strictEqual(intake.early.bytes, 20)
  })

  it("takes unknown parents for a part of the snapshot only when it is told to, and only where that can be", () => {
    const intake = new Intake<IntakeNode>(ROOM)
    const base = new Map([[authorKey(0), { seq: 7, lamport: 9 }]])
    intake.graph.restart(base, new Map([[keyOfNumber(70), 9]]))
    const old = node(1, { authorKey: authorKey(1), lamport: 5, parents: [keyOfNumber(44)] })
    const tooHigh = node(2, { authorKey: authorKey(2), lamport: 11, parents: [keyOfNumber(45)] })
    assert.deepStrictEqual(feed(intake, [old, tooHigh]), [])
    intake.retry(true)
    assert.strictEqual(intake.take()?.key, old.key)
    assert.isUndefined(intake.take())
    assert.isTrue(intake.early.has(tooHigh.key))
    const next = node(3, { seq: 8, lamport: 10, parents: [keyOfNumber(70)] })
    assert.deepStrictEqual(feed(intake, [next]), [next.key])
  })

  it("still knows a head that was loaded when one of two operations has built upon it", () => {
    const intake = new Intake<IntakeNode>(ROOM)
    intake.graph.authors.set(authorKey(0), { first: 1, seq: 1, lamport: 1, last: keyOfNumber(1) })
    intake.graph.heads.set(keyOfNumber(1), 1)
    const two = [1, 2].map((n) => node(1 + n, { authorKey: authorKey(n), lamport: 2, parents: [keyOfNumber(1)] }))
    assert.lengthOf(feed(intake, two), 2)
  })

  it("finds two in one place also where both came early", () => {
    const intake = new Intake<IntakeNode>(ROOM)
    const first = node(1)
    const two = [2, 3].map((n) => node(n, { seq: 2, lamport: 2, parents: [first.key] }))
    assert.strictEqual(feed(intake, [...two, first]).length, 2)
    assert.strictEqual(intake.conflicts.length, 1)
  })

  it("says which parents of those that wait are neither here nor waiting, as many as asked for", () => {
    const intake = new Intake<IntakeNode>(ROOM)
    feed(intake, [
      node(1),
      node(3, { seq: 3, lamport: 3, parents: [keyOfNumber(1), keyOfNumber(2)] }),
      node(4, { seq: 4, lamport: 5, parents: [keyOfNumber(3), keyOfNumber(8), keyOfNumber(9)] })
    ])
    intake.offer(node(5, { seq: 5, lamport: 6, parents: [keyOfNumber(7)] }), new Map([[keyOfNumber(7), 5]]), 0)
    assert.deepStrictEqual(sorted(intake.wanted(10)), sorted([2, 8, 9].map(keyOfNumber)))
    assert.strictEqual(intake.wanted(2).length, 2)
    feed(intake, [node(2, { seq: 2, lamport: 2, parents: [keyOfNumber(1)] })])
    assert.deepStrictEqual(sorted(intake.wanted(10)), sorted([8, 9].map(keyOfNumber)))
  })
})
