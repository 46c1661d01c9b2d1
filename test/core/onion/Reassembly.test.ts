import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { divide } from "#core/onion/divide"
import { type Gathered, Reassembly, UNFINISHED_LIFETIME } from "#core/onion/Reassembly"
import type { OnionPayloadFields } from "#schemas/onion/OnionPayload"
import { type MessageId, write } from "#schemas/router/InnerEnvelope"
import { makeWorld } from "./fixtures.ts"

const world = makeWorld("reassembly")
const body = world.draw(400)
const whole = write({ type: "SNAPSHOT", body })

/** The parts of one envelope, as bodies of cells bring them: views of something of 100 bytes. */
const partsOf = (n: number, count: number, bytes = whole): ReadonlyArray<OnionPayloadFields> => {
  const messageId = new Uint8Array(16).fill(n) as MessageId
  return divide(bytes, Math.ceil(bytes.length / count))!.map((piece, part) => {
    const kept = new Uint8Array(100 + piece.length)
    kept.set(piece)
    return { messageId, part, parts: count, piece: kept.subarray(0, piece.length), blocks: [] }
  })
}

const bodyOf = (gathered: Gathered | undefined) =>
  gathered?._tag === "Whole" ? [...gathered.envelope.body] : gathered?._tag

const Seen = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31 }))

describe("Reassembly", () => {
  it("gives what came in one part at once, and keeps nothing of it", () => {
    const reassembly = new Reassembly()
    assert.deepStrictEqual(bodyOf(reassembly.add(partsOf(1, 1)[0]!, 0)), [...body])
    assert.strictEqual(reassembly.size, 0)
    const bad = reassembly.add({ ...partsOf(1, 1)[0]!, piece: Uint8Array.of(9, 9) }, 0)
    assert.strictEqual(bad._tag, "Malformed")
  })

  it("lets go of an envelope whose parts nobody wants any more", () => {
    const reassembly = new Reassembly()
    const [first, other] = [partsOf(1, 3), partsOf(2, 3)]
    for (const parts of [first, other]) for (const part of parts.slice(0, 2)) reassembly.add(part, 0)
    reassembly.drop(first[0]!.messageId)
    reassembly.drop(new Uint8Array(16).fill(9) as MessageId)
    assert.strictEqual(reassembly.size, 1)
    assert.strictEqual(bodyOf(reassembly.add(first[2]!, 0)), "Waiting")
    assert.deepStrictEqual(bodyOf(reassembly.add(other[2]!, 0)), [...body])
    reassembly.drop(first[0]!.messageId)
    assert.deepStrictEqual([reassembly.size, reassembly.bytes], [0, 0])
  })

  it.prop(
    "gives each envelope once when its last part is there, in whatever order and however often parts come",
    [Arbitrary.array(Arbitrary.schema(Seen), { maxLength: 150 })],
    ([order]) => {
      const reassembly = new Reassembly()
      const envelopes = [2, 5, 8, 3].map((count, n) => partsOf(n, count))
      const here = envelopes.map(() => new Set<number>())
      for (const seen of order) {
        const parts = envelopes[seen & 3]!
        const part = (seen >> 2) % parts.length
        const known = here[seen & 3]!.add(part)
        const done = known.size === parts.length
        if (done) known.clear()
        assert.deepStrictEqual(bodyOf(reassembly.add(parts[part]!, 0)), done ? [...body] : "Waiting")
        assert.strictEqual(reassembly.size, here.filter(({ size }) => size > 0).length)
        const bytes = here.flatMap((parts, n) => [...parts].map((it) => envelopes[n]![it]!.piece.buffer.byteLength))
        assert.strictEqual(
          reassembly.bytes,
          bytes.reduce((sum, it) => sum + it, 0)
        )
      }
    }
  )

  it("gives the blocks of all parts in their order, and of a part that came twice the later ones", () => {
    const { block } = world.replyBlock(world.nodes(1))
    const withBlocks = partsOf(1, 3).map((it) => ({ ...it, blocks: [{ ...block, ttl: 10 + it.part }] }))
    const reassembly = new Reassembly()
    reassembly.add(withBlocks[2]!, 0)
    reassembly.add(withBlocks[0]!, 0)
    reassembly.add({ ...withBlocks[0]!, blocks: [{ ...block, ttl: 99 }, block] }, 0)
    const gathered = reassembly.add(withBlocks[1]!, 0)
    if (gathered._tag !== "Whole") return assert.fail(gathered._tag)
    assert.deepStrictEqual(
      gathered.blocks.map(({ ttl }) => ttl),
      [99, block.ttl, 11, 12]
    )
    assert.deepStrictEqual([...gathered.messageId], [...withBlocks[0]!.messageId])
  })

  it("begins anew where the sender cuts anew", () => {
    const reassembly = new Reassembly()
    reassembly.add(partsOf(1, 4)[0]!, 0)
    reassembly.add(partsOf(1, 2)[1]!, 0)
    assert.strictEqual(reassembly.size, 1)
    assert.strictEqual(reassembly.bytes, partsOf(1, 2)[1]!.piece.buffer.byteLength)
    assert.deepStrictEqual(bodyOf(reassembly.add(partsOf(1, 2)[0]!, 0)), [...body])
  })

  it("says so when all parts are there and make no envelope", () => {
    const reassembly = new Reassembly()
    const [one, two] = partsOf(1, 2, new Uint8Array(50).fill(255))
    reassembly.add(one!, 0)
    assert.strictEqual(reassembly.add(two!, 0)._tag, "Malformed")
    assert.deepStrictEqual([reassembly.size, reassembly.bytes], [0, 0])
  })

  it("forgets what stays unfinished, and nothing earlier", () => {
    const reassembly = new Reassembly()
    reassembly.add(partsOf(1, 2)[0]!, 0)
    reassembly.add(partsOf(2, 2)[0]!, 10)
    reassembly.expire(UNFINISHED_LIFETIME - 1)
    assert.strictEqual(reassembly.size, 2)
    reassembly.expire(UNFINISHED_LIFETIME)
    assert.strictEqual(reassembly.size, 1)
    assert.deepStrictEqual(bodyOf(reassembly.add(partsOf(2, 2)[1]!, UNFINISHED_LIFETIME)), [...body])
    assert.deepStrictEqual([reassembly.size, reassembly.bytes], [0, 0])
  })

  it("never keeps more envelopes or bytes than it may: the one begun first makes room", () => {
    const few = new Reassembly(3)
    for (let n = 0; n < 10; n++) few.add(partsOf(n, 2)[0]!, n)
    assert.strictEqual(few.size, 3)
    assert.strictEqual(bodyOf(few.add(partsOf(6, 2)[1]!, 10)), "Waiting")
    assert.deepStrictEqual(bodyOf(few.add(partsOf(9, 2)[1]!, 10)), [...body])
    const small = new Reassembly(100, 1_000)
    for (let n = 0; n < 50; n++) {
      small.add(partsOf(n, 2)[0]!, n)
      assert.isAtMost(small.bytes, 1_000)
    }
    assert.strictEqual(small.size, 3)
  })
})
