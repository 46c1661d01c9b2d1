/** Batches and snapshots that nobody honest would make. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { DEPTH_LIMIT } from "#core/crdt/Container"
import { Document } from "#core/crdt/Document"
import { ByteWriter } from "#schemas/crdt/ByteWriter"
import type { OpBatchFields } from "#schemas/crdt/OpBatch"
import { BEFORE, CONTINUES, ONE, OpKind, SAME } from "#schemas/crdt/Operation"
import { ContainerKind } from "#schemas/crdt/Value"
import { ACTIONS, authorOf, chance, replay, shuffled } from "./histories.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const Step = Schema.Struct({
  replica: below(3),
  action: below(ACTIONS),
  at: below(40),
  count: below(12),
  more: below(30)
})
const Steps = Arbitrary.array(Arbitrary.schema(Step), { minLength: 5, maxLength: 40 })

const INTERESTING = [0, 1, 2, 3, 7, 8, 16, 32, 64, 0x7f, 0x80, 0xc0, 0xed, 0xf0, 0xff]

/** A few bytes changed, put in or left out. */
const mutated = (bytes: Uint8Array, random: (below: number) => number): Uint8Array => {
  const out = [...bytes]
  for (let left = 1 + random(3); left > 0; left--) {
    const at = random(out.length + 1)
    const byte = random(2) === 0 ? random(256) : INTERESTING[random(INTERESTING.length)]!
    const kind = random(4)
    if (kind === 0) out.splice(at, 1)
    else if (kind === 1) out.splice(at, 0, byte)
    else if (kind === 2) out.length = at
    else if (at < out.length) out[at] = byte
  }
  return Uint8Array.from(out)
}

const stateOf = (doc: Document) => [JSON.stringify(doc.toJSON()), doc.snapshot().join()] as const

/** What became of the last one, once everything that can be applied has been. */
const settle = (doc: Document, batches: ReadonlyArray<OpBatchFields>, forged: OpBatchFields): string => {
  let fate = "missing"
  for (let waiting = batches, before = -1; waiting.length !== before; ) {
    before = waiting.length
    waiting = waiting.filter((batch) => {
      const applied = doc.apply(batch)
      const left = Result.isFailure(applied) ? applied.failure : undefined
      if (batch === forged) fate = left === undefined ? "applied" : left.reason
      return left?.reason === "missing"
    })
  }
  return fate
}

describe("a batch of bytes that were tampered with", () => {
  it.prop(
    "is refused without a trace, or taken by everybody alike",
    [Steps, below(1e6)],
    ([steps, seed]) => {
      const random = chance(seed)
      const { batches } = replay(3, steps)
      if (batches.length === 0) return
      for (let round = 0; round < 8; round++) {
        const taken = batches[random(batches.length)]!
        const seq = 1 + batches.filter(({ author }) => author === taken.author).length
        const operations = mutated(taken.operations, random)
        const forged = { ...taken, seq, lamport: 1_000 + round, operations }
        const one = new Document(authorOf(8))
        settle(one, batches, forged)
        const before = stateOf(one)
        const answer = one.apply(forged)
        if (Result.isFailure(answer)) assert.deepStrictEqual(stateOf(one), before)
        const other = new Document(authorOf(9))
        const fate = settle(other, shuffled([...batches, forged], random), forged)
        assert.strictEqual(fate, Result.isSuccess(answer) ? "applied" : answer.failure.reason)
        assert.deepStrictEqual(stateOf(other), stateOf(one))
        assert.isTrue(Result.isSuccess(Document.load(one.snapshot(), authorOf(7))))
        one.text("t").insert(0, "goes on")
      }
    },
    { arbitrary: { runs: 100 } }
  )

  it.prop(
    "is refused as a snapshot, or loads as a document that works",
    [Steps, below(1e6)],
    ([steps, seed]) => {
      const random = chance(seed)
      const { docs, batches } = replay(3, steps)
      for (let round = 0; round < 20; round++) {
        const loaded = Document.load(mutated(docs[0]!.snapshot(), random), authorOf(8))
        if (Result.isFailure(loaded)) continue
        const doc = loaded.success
        doc.text("t").insert(doc.text("t").length >> 1, "goes on")
        doc.text("t").delete(0, doc.text("t").length >> 1)
        for (const batch of batches) doc.apply(batch)
        doc.toJSON()
        doc.snapshot()
      }
    },
    { arbitrary: { runs: 100 } }
  )
})

/** A document with text "abc", a list [1, map] and a map with one key, by one author: counters 0–2, 3–4, 5. */
const prepared = () => {
  const writer = new Document(authorOf(0))
  const batches = writer.transact(() => {
    writer.text("t").insert(0, "abc")
    writer.list("l").push(1, {})
    writer.map("m").set("k", 1)
  })
  const doc = new Document(authorOf(5))
  for (const batch of batches) doc.apply(batch)
  return doc
}

const TEXT = [0, ContainerKind.Text, 1, 0x74]
const LIST = [0, ContainerKind.List, 1, 0x6c]
const MAP = [0, ContainerKind.Map, 1, 0x6d]
const FIRST = [1, ...authorOf(0)]

/** Of an author that has written nothing yet. */
const offer = (doc: Document, operations: ReadonlyArray<number>, author = authorOf(1)) =>
  doc.apply({ author, seq: 1, lamport: 5, operations: Uint8Array.from(operations) })

const uint = (value: number): ReadonlyArray<number> => {
  const out = new ByteWriter()
  out.uint(value)
  return [...out.taken()]
}

describe("a batch that is", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<number>, string]> = [
    ["a removal of a thousand million", [OpKind.Remove, ...TEXT, ...FIRST, 0, ...uint(1e9)], "id that is not here yet"],
    [
      "a removal past the end of time",
      [OpKind.Remove, ...TEXT, ...FIRST, ...uint(2 ** 53 - 1), 2],
      "id that is not here yet"
    ],
    [
      "an insertion behind what is not there",
      [OpKind.Write | ONE, ...TEXT, ...FIRST, 6, 0x78],
      "id that is not here yet"
    ],
    ["an insertion behind what is elsewhere", [OpKind.Write | ONE, ...TEXT, ...FIRST, 3, 0x78], "no element there"],
    ["a removal that runs into another container", [OpKind.Remove, ...TEXT, ...FIRST, 1, 4], "no element there"],
    ["an insertion before the start", [OpKind.Write | ONE | BEFORE, ...TEXT, 0, 0x78], "before nothing"],
    ["going on behind nothing", [OpKind.Write | ONE | CONTINUES, ...TEXT, 0x78], "no id of the author"],
    ["about the same container as nothing", [OpKind.Write | ONE | SAME, 0, 0x78], "no last container"],
    ["text in a list", [OpKind.Write | ONE, ...LIST, 0, 0x78], "another kind of container"],
    ["a value in a text", [OpKind.Put | ONE, ...TEXT, 0, 0], "another kind of container"],
    ["a removal from a map", [OpKind.Remove | ONE, ...MAP, ...FIRST, 5], "another kind of container"],
    ["a key of a list", [OpKind.Set, ...LIST, 1, 0x6b, 0], "another kind of container"],
    ["a key of a register", [OpKind.Set, 0, ContainerKind.Register, 0, 1, 0x6b, 0], "key of a register"],
    ["in an element that is no container", [OpKind.Set, 1, ...FIRST, 3, 1, 0x6b, 0], "not a container"],
    ["a lone surrogate", [OpKind.Write | ONE, ...TEXT, 0, 0xed, 0xa0, 0x80], "invalid UTF-8"],
    ["two characters told as one", [OpKind.Write, ...TEXT, 0, 1, 0x78], "one told as many"],
    ["overlong UTF-8", [OpKind.Write, ...TEXT, 0, 2, 0xc0, 0x80], "invalid UTF-8"],
    ["text longer than itself", [OpKind.Write, ...TEXT, 0, ...uint(1e9), 0x78], "cut short"],
    ["a thousand million values", [OpKind.Put, ...LIST, 0, ...uint(1e9), 0], "cut short"],
    ["a thousand million preds", [OpKind.Set | 32, ...MAP, 1, 0x6b, ...uint(1e9), 0], "cut short"],
    ["naming itself", [OpKind.Remove | ONE, ...TEXT, 1, ...authorOf(1), 0], "names itself"],
    ["naming a stranger", [OpKind.Remove | ONE, ...TEXT, 1, ...authorOf(2), 0], "author who is not here yet"],
    [
      "naming one author twice",
      [OpKind.Remove | ONE, ...TEXT, ...FIRST, 0, OpKind.Remove | ONE | SAME, ...FIRST, 0],
      "author named twice"
    ],
    [
      "naming one root twice",
      [OpKind.Write | ONE, ...TEXT, 0, 0x78, OpKind.Write | ONE, ...TEXT, 0, 0x78],
      "root named twice"
    ],
    ["of an author never named", [OpKind.Remove | ONE, ...TEXT, 3, 0], "unknown author"],
    ["of a root never named", [OpKind.Write | ONE, 2, 0, 0x78], "unknown root"],
    ["a number in too many bytes", [OpKind.Remove | ONE, ...TEXT, 0x81, 0, 0], "number not in its shortest form"],
    ["an unknown operation", [5, 2], "unknown operation"],
    ["of unknown flags", [OpKind.Write | ONE | 128, ...TEXT, 0, 0x78], "unknown flags"],
    ["an unknown value", [OpKind.Set, ...MAP, 1, 0x6b, 11], "unknown value"],
    ["a float that is an int", [OpKind.Set, ...MAP, 1, 0x6b, 4, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], "float that is an int"],
    ["an unknown container", [OpKind.Write | ONE, 0, 9, 0, 0, 0x78], "unknown container"],
    ["removing a key from nothing", [OpKind.Unset, ...MAP, 1, 0x6b], "removes nothing"]
  ]
  for (const [name, operations, word] of cases) {
    it(`${name} is refused, alone and behind good ones`, () => {
      for (const good of [[], [OpKind.Put | ONE, 0, ContainerKind.List, 1, 0x7a, 0, 2]]) {
        const doc = prepared()
        const before = stateOf(doc)
        const answer = offer(doc, [...good, ...operations])
        assert.isTrue(Result.isFailure(answer))
        if (good.length === 0) assert.strictEqual(Result.isFailure(answer) && answer.failure.word, word)
        assert.deepStrictEqual(stateOf(doc), before)
      }
    })
  }

  it("deeper than the limit is refused", () => {
    // A list in a list in a list: each is the id before the next.
    const nest = (depth: number) => [
      ...[OpKind.Put | ONE, 0, ContainerKind.List, 1, 0x7a, 0, 8],
      ...Array.from({ length: depth - 2 }, () => [OpKind.Put | ONE, 1, 2, 0, 8]).flat()
    ]
    assert.isTrue(Result.isSuccess(offer(prepared(), nest(DEPTH_LIMIT))))
    const doc = prepared()
    const before = stateOf(doc)
    assert.deepStrictEqual(offer(doc, nest(DEPTH_LIMIT + 1)), Result.fail({ reason: "malformed", word: "too deep" }))
    assert.deepStrictEqual(stateOf(doc), before)
  })

  it("out of its author's order waits, and one known already does nothing", () => {
    const doc = prepared()
    const empty = { author: authorOf(0), lamport: 9, operations: new Uint8Array(0) }
    assert.deepStrictEqual(
      doc.apply({ ...empty, seq: 3 }),
      Result.fail({ reason: "missing", word: "earlier batch of the author" })
    )
    assert.deepStrictEqual(doc.apply({ ...empty, seq: 1 }), Result.succeed("already"))
    assert.deepStrictEqual(
      doc.apply({ ...empty, seq: 2, lamport: 1 }),
      Result.fail({ reason: "malformed", word: "lamport not above the author's last" })
    )
    assert.deepStrictEqual(doc.apply({ ...empty, seq: 2 }), Result.succeed("applied"))
  })
})

describe("a snapshot with", () => {
  const AUTHOR = [2, 1, 1, ...authorOf(0), 1, 1, 8]
  const NAMED = [1, 1, 0, 0, 0, 0, 0]
  const map = (...body: ReadonlyArray<number>) => [...AUTHOR, 1, ...MAP.slice(1), 0, ...NAMED, ...body]
  const text = (...body: ReadonlyArray<number>) => [...AUTHOR, 1, ...TEXT.slice(1), 0, ...NAMED, ...body]
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<number>, string]> = [
    ["an author who names as nobody before", [...AUTHOR, 0, 0, 0], "as nobody before"],
    ["a key that shares more than the one before has", map(1, 1, 0, 1, 0), "shares more than there is"],
    ["a key that shares too much", map(2, 0, 1, 0x6b, 1, 0, 64, 0, 1, 0), "shares more than there is"],
    ["a text that shares with none", map(1, 0, 1, 0x6b, 1, 8 * 14, 1, 0x78), "shares more than there is"],
    ["a key twice", map(2, 0, 1, 0x6b, 1, 0, 1, 0, 1, 0), "malformed key"],
    ["a key without entries", map(1, 0, 1, 0x6b, 0), "malformed key"],
    ["an entry of nobody", map(1, 0, 1, 0x6b, 1, 1, 9), "id that is not given"],
    ["an entry before the first id", map(1, 0, 1, 0x6b, 1, 2, 1), "id that is not given"],
    ["a thousand million keys", map(...uint(1e9)), "cut short"],
    ["a thousand million entries", map(1, 0, 1, 0x6b, ...uint(1e9)), "cut short"],
    ["a thousand million spans", text(...uint(1e9)), "too many spans"],
    ["a place behind what is not there", text(1, 4, 0, 0, 0, 3, 0, 1, 0x78), "no such parent"],
    ["a place before what is not there", text(1, 4, 0, 0, 0, 4, 0, 1, 0x78), "no such parent"],
    ["more expected places than spans", text(1, 4, 0, 0, 2, 1, 0x78), "another number of parents"],
    ["an id in two spans", text(2, 4, 4, 1, 2, 0, 1, 2, 2, 0x78, 0x79), "id given twice"],
    ["text that is no UTF-8", text(1, 4, 0, 0, 1, 1, 0xff), "text that does not fit its spans"],
    ["more text than its spans hold", text(1, 4, 0, 0, 1, 2, 0x78, 0x79), "text that does not fit its spans"],
    [
      "a pair in a span of single units",
      text(1, 8, 0, 0, 1, 4, 0xf0, 0x9f, 0x91, 0x8d),
      "text that does not fit its spans"
    ],
    ["the layout of before", [1, ...AUTHOR.slice(1), 0, 0, 0], "another version of snapshot"]
  ]
  for (const [name, bytes, word] of cases) {
    it(`${name} is refused`, () => {
      const loaded = Document.load(Uint8Array.from(bytes), authorOf(7))
      assert.strictEqual(Result.isFailure(loaded) ? loaded.failure : "loaded", word)
    })
  }

  it("one element and one key loads", () => {
    const [one, other] = [text(1, 4, 0, 0, 1, 1, 0x78), map(1, 0, 1, 0x6b, 1, 8 * 11 + 16, 0x78)]
    const [docs, maps] = [one, other].map((bytes) => Document.load(Uint8Array.from(bytes), authorOf(7)))
    assert.strictEqual(Result.getOrThrow(docs!).text("t").toString(), "x")
    assert.deepStrictEqual(Result.getOrThrow(maps!).map("m").toJSON(), { k: "x" })
  })
})
