import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { buildRequest } from "#core/onion/buildRequest"
import { ttlOf } from "#core/onion/minutes"
import { peel } from "#core/onion/peel"
import { openReply, sealReply } from "#core/onion/replyBlock"
import { CELL_BYTES, CellClass } from "#schemas/onion/OnionCell"
import { requestRoom } from "#schemas/onion/OnionPayload"
import { write } from "#schemas/router/InnerEnvelope"
import {
  changed,
  makeWorld,
  minute,
  NOW,
  peelAt,
  peelFresh,
  reasonOf,
  shareNothing,
  suite,
  travel
} from "./fixtures.ts"
import { naivePeel } from "./naiveOnion.ts"

describe("a request", () => {
  it("reaches its recipient over up to four relays, in every class, and says what was said", () => {
    const world = makeWorld("classes")
    const nodes = world.nodes(5)
    for (const cellClass of CellClass.literals) {
      for (let hops = 1; hops <= 5; hops++) {
        const path = nodes.slice(0, hops)
        const payload = world.payloadOf({ piece: world.draw(requestRoom(cellClass)) })
        const { last } = travel(path, world.request(path, { cellClass, payload }))
        assert.strictEqual(last._tag, "Deliver")
        if (last._tag !== "Deliver") return
        assert.strictEqual(last.cellClass, cellClass)
        assert.deepStrictEqual(
          { ...last.payload, piece: [...last.payload.piece] },
          { ...payload, piece: [...payload.piece] }
        )
      }
    }
  })

  it.prop(
    "is peeled as by the letter of the wire document, hop by hop",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })), Schema.Int],
    ([hops, seed]) => {
      const world = makeWorld(`naive ${seed}`)
      const path = world.nodes(hops)
      let { cell } = world.request(path)
      for (const [index, node] of path.entries()) {
        const expected = naivePeel(node.secret, cell)
        assert.strictEqual(expected.header[0], index === hops - 1 ? 1 : 4)
        const peeled = peelAt(node, cell)
        if (peeled._tag === "Forward") assert.isTrue(Buffer.from(peeled.cell).equals(expected.next))
        if (peeled._tag === "Deliver")
          assert.isTrue(Buffer.from(expected.body).includes(Buffer.from(peeled.payload.piece)))
        assert.strictEqual(peeled._tag, index === hops - 1 ? "Deliver" : "Forward")
        cell = expected.next
      }
    },
    { arbitrary: { runs: 15 } }
  )

  it("has one size on every link, and no two links have 32 bytes in common", () => {
    const world = makeWorld("links")
    const path = world.nodes(5)
    for (const [cellClass, length] of CELL_BYTES.slice(0, 2).entries()) {
      const { links } = travel(path, world.request(path, { cellClass: cellClass as CellClass }))
      assert.deepStrictEqual(
        links.map((cell) => cell.length),
        Array(5).fill(length)
      )
      shareNothing(links)
    }
  })

  it("tells a hop its delay, and the next one without an address where there is none", () => {
    const world = makeWorld("delays")
    const [first, second] = world.nodes(2)
    const { address: _, ...bare } = second!
    const path = [{ ...first!, delay: 65_535 }, bare]
    const peeled = peelAt(first!, world.request(path).cell)
    assert.isTrue(peeled._tag === "Forward" && !peeled.reply)
    if (peeled._tag !== "Forward") return
    assert.strictEqual(peeled.delay, 65_535)
    assert.deepStrictEqual(Object.keys(peeled.next), ["nodeId"])
  })

  it("looks the same to its recipient however many relays it came over", () => {
    const world = makeWorld("place")
    const [recipient, ...relays] = world.nodes(5)
    const payload = world.payloadOf()
    const seen = [0, 1, 2, 3, 4].map((count) => {
      const path = [...relays.slice(0, count), recipient!]
      const { links } = travel(path, world.request(path, { payload }))
      const cell = links.at(-1)!
      // Of what is not for the recipient every slot looks drawn at random: as many ones as zeros, and nothing twice.
      for (let slot = 1; slot < 5; slot++) {
        const bytes = cell.subarray(slot * 140, (slot + 1) * 140)
        const ones = bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0)
        assert.isTrue(ones > 430 && ones < 690, `${ones} of 1,120 bits in slot ${slot} after ${count} relays`)
      }
      const next = naivePeel(recipient!.secret, cell).header
      return { header: Buffer.from(next.subarray(0, 56)).toString("hex"), peeled: peelFresh(recipient!, cell) }
    })
    for (const it of seen) assert.deepStrictEqual(it, seen[0]!)
  })

  it("is built only for keys that agree on something, and says whose does not", () => {
    const world = makeWorld("unusable")
    const path = world.nodes(3)
    for (const hop of [0, 1, 2]) {
      const spoilt = path.map((node, index) => (index === hop ? { ...node, onion: new Uint8Array(32) } : node))
      const request = {
        path: spoilt,
        ephemerals: world.keys(3),
        cellClass: 0,
        ttl: 5,
        payload: world.payloadOf()
      } as const
      assert.deepStrictEqual(buildRequest(suite, world.draw, request), Result.fail({ hop }))
    }
  })

  it("has no room for more than its class holds, for six hops, or for hops without keys", () => {
    const world = makeWorld("room")
    const path = world.nodes(6)
    const piece = new Uint8Array(requestRoom(0) + 1)
    assert.throws(() => world.request(path.slice(0, 4), { payload: world.payloadOf({ piece }) }), RangeError)
    assert.throws(() => world.request(path), RangeError)
    assert.throws(() => world.request([]), RangeError)
    assert.throws(() => world.request(path.slice(0, 3), { ephemerals: world.keys(2) }), RangeError)
  })

  it("is peeled with the previous key as well, and with no older one", () => {
    const world = makeWorld("keys")
    const [relay, recipient] = world.nodes(2)
    const { cell } = world.request([relay!, recipient!])
    const others = world.keys(2)
    const { replays } = relay!
    assert.strictEqual(peel(suite, { keys: others, replays }, cell, NOW)._tag, "Drop")
    assert.strictEqual(peel(suite, { keys: [others[0]!, relay!.key], replays }, cell, NOW)._tag, "Forward")
  })

  it("is peeled once, and a changed copy before it does not keep it out", () => {
    const world = makeWorld("replayed")
    const path = world.nodes(3)
    const { cell } = world.request(path)
    assert.strictEqual(reasonOf(peelAt(path[0]!, changed(cell, 140))), "sealed")
    assert.strictEqual(peelAt(path[0]!, cell)._tag, "Forward")
    assert.strictEqual(reasonOf(peelAt(path[0]!, cell)), "replayed")
    assert.strictEqual(path[0]!.replays.size, 1)
  })

  it("the cell that came in is not changed by peeling, and shares no memory with what comes out", () => {
    const world = makeWorld("memory")
    const path = world.nodes(2)
    const { cell } = world.request(path)
    const before = cell.slice()
    const peeled = peelAt(path[0]!, cell)
    assert.isTrue(Buffer.from(cell).equals(before))
    if (peeled._tag !== "Forward") return assert.fail("was dropped")
    const after = peeled.cell.slice()
    cell.fill(0)
    assert.isTrue(Buffer.from(peeled.cell).equals(after))
    const local = peelAt(path[1]!, peeled.cell)
    if (local._tag !== "Deliver") return assert.fail("was dropped")
    const piece = local.payload.piece.slice()
    peeled.cell.fill(0)
    assert.deepStrictEqual([...local.payload.piece], [...piece])
    assert.deepStrictEqual([...piece], [...write(world.envelope)])

    const answer = world.payloadOf()
    const own = world.replyBlock([path[0]!])
    const sent = Result.getOrThrow(sealReply(suite, world.draw, own.block, answer, NOW))
    const reply = peelAt(path[0]!, sent.cell)
    if (reply._tag !== "Reply") return assert.fail("was dropped")
    sent.cell.fill(0)
    assert.deepStrictEqual([...Result.getOrThrow(openReply(suite, own.keys, reply.body)).piece], [...answer.piece])
    assert.deepStrictEqual([...reply.id], [...own.keys.id])
  })

  it("dies with its minute and is not taken from too far ahead", () => {
    const world = makeWorld("ttl")
    const [node] = world.nodes(1)
    const judged = (ttl: number, now = NOW) => {
      const peeled = peelFresh(node!, world.request([node!], { ttl }).cell, now)
      return peeled._tag === "Drop" ? peeled.reason : peeled._tag
    }
    assert.strictEqual(judged(0), "expired")
    assert.strictEqual(judged(ttlOf(minute - 1)), "expired")
    assert.strictEqual(judged(ttlOf(minute)), "Deliver")
    assert.strictEqual(judged(ttlOf(minute + 6)), "Deliver")
    assert.strictEqual(judged(ttlOf(minute + 7)), "too far")
    assert.strictEqual(judged(ttlOf(minute + 30_000)), "too far")
    assert.strictEqual(judged(ttlOf(minute), NOW + 60), "expired")
    const turn = (Math.floor(minute / 65_535) + 1) * 65_535
    assert.strictEqual(judged(ttlOf(turn + 3), (turn - 1) * 60), "Deliver")
    assert.strictEqual(judged(ttlOf(turn - 1), turn * 60), "expired")
  })
})
