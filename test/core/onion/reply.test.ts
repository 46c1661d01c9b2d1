import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { divide, fittingClass } from "#core/onion/divide"
import { minutesLeft, ttlOf } from "#core/onion/minutes"
import { Reassembly } from "#core/onion/Reassembly"
import { ReplyBook } from "#core/onion/ReplyBook"
import { makeReplyBlock, openReply, sealReply } from "#core/onion/replyBlock"
import { BODY_BYTES, CELL_BYTES, STACK_BYTES } from "#schemas/onion/OnionCell"
import { replyRoom, requestRoom } from "#schemas/onion/OnionPayload"
import { readReplyBlock, writeReplyBlock } from "#schemas/onion/ReplyBlock"
import { write } from "#schemas/router/InnerEnvelope"
import {
  ack,
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
import { naivePeel, naiveReply } from "./naiveOnion.ts"

const DEATH = ttlOf(minute + 10)

const set = (seed: string, hops: number) => {
  const world = makeWorld(seed)
  const path = world.nodes(hops)
  const own = world.replyBlock(path)
  const answer = world.payloadOf({ piece: world.draw(1_000) })
  const seal = (now = NOW) => Result.getOrThrow(sealReply(suite, world.draw, own.block, answer, now))
  return { world, path, own, answer, seal }
}

describe("a reply", () => {
  it("comes back over one to five hops, is of one size on every link, and only the requester can open it", () => {
    for (let hops = 1; hops <= 5; hops++) {
      const { answer, own, path, seal } = set(`hops ${hops}`, hops)
      const { last, links } = travel(path, seal())
      assert.deepStrictEqual(
        links.map((cell) => cell.length),
        Array(hops).fill(CELL_BYTES[0])
      )
      shareNothing(links)
      if (last._tag !== "Reply") return assert.fail(last._tag)
      assert.deepStrictEqual([...last.id], [...own.keys.id])
      const opened = Result.getOrThrow(openReply(suite, own.keys, last.body))
      assert.deepStrictEqual([...opened.piece], [...answer.piece])
      assert.deepStrictEqual([...opened.messageId], [...answer.messageId])
    }
  })

  it("is masked as by the letter of the wire document", () => {
    const { answer, own, path, world } = set("naive", 4)
    const text = new Uint8Array(BODY_BYTES[0] - 16)
    text.set(answer.messageId)
    text.set([0, 1, 0, 0, 0, 0], 16)
    let cell = naiveReply(own.block.stack, own.block.replyKey, text)
    for (const [hop, node] of path.entries()) {
      const expected = naivePeel(node.secret, cell)
      assert.strictEqual(expected.header[0], hop === 3 ? 3 : 6)
      const peeled = peelAt(node, cell)
      if (peeled._tag === "Forward") assert.isTrue(peeled.reply && Buffer.from(peeled.cell).equals(expected.next))
      if (peeled._tag === "Reply") {
        assert.isTrue(Buffer.from(peeled.body).equals(expected.body))
        assert.lengthOf(Result.getOrThrow(openReply(suite, own.keys, peeled.body)).piece, 0)
      }
      assert.strictEqual(peeled._tag, hop === 3 ? "Reply" : "Forward")
      cell = expected.next
    }
    assert.lengthOf(own.keys.masks, 3 * 32)
    assert.isAbove(world.draw(1).length, 0)
  })

  it("has nothing in common with the request that brought the block", () => {
    const world = makeWorld("both ways")
    const [requester, a, b, c, responder, d, e] = world.nodes(7)
    const own = world.replyBlock([d!, e!, a!, requester!])
    const there = [a!, b!, c!, responder!]
    const payload = world.payloadOf({ blocks: [own.block] })
    const request = travel(there, world.request(there, { payload }))
    if (request.last._tag !== "Deliver") return assert.fail(request.last._tag)
    const block = request.last.payload.blocks[0]!
    const answer = world.payloadOf({ messageId: payload.messageId, piece: ack(payload.messageId) })
    const reply = travel([d!, e!, a!, requester!], Result.getOrThrow(sealReply(suite, world.draw, block, answer, NOW)))
    shareNothing([...request.links, ...reply.links])
    assert.strictEqual(reply.last._tag, "Reply")
  })

  it("a byte changed in its stack is found by the next hop", () => {
    const { path, seal } = set("stack", 3)
    const { links } = travel(path, seal())
    for (const [hop, cell] of links.entries()) {
      for (let at = 0; at < STACK_BYTES; at++) {
        assert.strictEqual(
          reasonOf(peelFresh(path[hop]!, changed(cell, at, at === 31 ? 0x80 : 1))),
          "sealed",
          `byte ${at}`
        )
      }
    }
  })

  it("a byte changed in its body goes on unseen, and is found by the requester", () => {
    const { own, path, seal } = set("body", 3)
    const { links } = travel(path, seal())
    for (const [hop, cell] of links.entries()) {
      for (let at = STACK_BYTES; at < cell.length; at += 37) {
        let peeled = peelFresh(path[hop]!, changed(cell, at))
        for (const node of path.slice(hop + 1)) {
          if (peeled._tag === "Forward") peeled = peelFresh(node, peeled.cell)
        }
        if (peeled._tag !== "Reply") return assert.fail(`${peeled._tag} at byte ${at}`)
        assert.deepStrictEqual(openReply(suite, own.keys, peeled.body), Result.fail("body"))
      }
    }
  })

  it("goes out once by each block: the first relay knows a second one, and so does the requester", () => {
    const { own, path, seal } = set("twice", 3)
    travel(path, seal())
    assert.strictEqual(reasonOf(peelAt(path[0]!, seal().cell)), "replayed")
    // Also where relays do not keep the rules.
    let peeled = peelFresh(path[0]!, seal().cell)
    for (const node of path.slice(1, -1)) if (peeled._tag === "Forward") peeled = peelFresh(node, peeled.cell)
    if (peeled._tag !== "Forward") return assert.fail(peeled._tag)
    assert.strictEqual(reasonOf(peelAt(path[2]!, peeled.cell)), "replayed")
    const book = new ReplyBook<string>()
    book.expect({ keys: own.keys, death: minute + 10, purpose: "question" })
    assert.strictEqual(book.take(own.keys.id, minute)?.purpose, "question")
    assert.isUndefined(book.take(own.keys.id, minute))
  })

  it("is not sent by a block whose time is over or not yet near, and is not carried either", () => {
    const { own, path, seal, world } = set("expired", 2)
    const sealAt = (now: number) => sealReply(suite, world.draw, own.block, world.payloadOf(), now)
    assert.strictEqual(minutesLeft(own.block.ttl, minute), 10)
    assert.deepStrictEqual(sealAt(NOW + 11 * 60), Result.fail("expired"))
    assert.deepStrictEqual(sealAt(NOW - 3 * 60), Result.fail("too far"))
    assert.isTrue(Result.isSuccess(sealAt(NOW - 2 * 60)))
    assert.strictEqual(reasonOf(peelFresh(path[0]!, seal().cell, NOW + 11 * 60)), "expired")
    assert.strictEqual(peelFresh(path[0]!, seal().cell, NOW + 10 * 60)._tag, "Forward")
    assert.strictEqual(reasonOf(peelFresh(path[0]!, seal().cell, NOW - 3 * 60)), "too far")
  })

  it("cannot be opened under another block's keys, at another size, or where it is no payload", () => {
    const { own, path, seal, world } = set("keys", 2)
    const { last } = travel(path, seal())
    if (last._tag !== "Reply") return assert.fail(last._tag)
    assert.deepStrictEqual(openReply(suite, world.replyBlock(path).keys, last.body), Result.fail("body"))
    for (const body of [last.body.subarray(1), new Uint8Array(), new Uint8Array(BODY_BYTES[1])]) {
      assert.deepStrictEqual(openReply(suite, own.keys, body), Result.fail("size"))
    }
    const alone = world.replyBlock([path[1]!])
    const cell = naiveReply(alone.block.stack, alone.block.replyKey, new Uint8Array(BODY_BYTES[0] - 16))
    const peeled = peelAt(path[1]!, cell)
    if (peeled._tag !== "Reply") return assert.fail(peeled._tag)
    assert.deepStrictEqual(openReply(suite, alone.keys, peeled.body), Result.fail("payload"))
  })

  it("a block names its first hop and class, survives the wire, and is made for good keys only", () => {
    const { own, path, world } = set("block", 4)
    const again = Result.getOrThrow(readReplyBlock(writeReplyBlock(own.block)))
    assert.deepStrictEqual(Buffer.from(writeReplyBlock(again)), Buffer.from(writeReplyBlock(own.block)))
    assert.deepStrictEqual([...again.firstHop], [...path[0]!.nodeId])
    assert.strictEqual(again.ttl, DEATH)
    const spoilt = [path[0]!, { ...path[1]!, onion: new Uint8Array(32) }]
    const made = makeReplyBlock(suite, world.draw, { path: spoilt, ephemerals: world.keys(2), cellClass: 0, ttl: 3 })
    assert.deepStrictEqual(made, Result.fail({ hop: 1 }))
  })

  it("blocks of two requests have nothing in common", () => {
    const world = makeWorld("unlinkable")
    const path = world.nodes(3)
    shareNothing([world.replyBlock(path).block.stack, world.replyBlock(path).block.stack])
  })
})

describe("a large answer", () => {
  it("takes several blocks, arrives in any order, and is whole again", () => {
    const world = makeWorld("large answer")
    const [me, ...others] = world.nodes(5)
    const owns = [0, 1, 2, 3].map(() => world.replyBlock([...others.slice(1), me!]))
    const book = new ReplyBook<number>()
    for (const [index, { keys }] of owns.entries()) book.expect({ keys, death: minute + 10, purpose: index })
    const question = world.payloadOf({ piece: world.draw(requestRoom(0, 4)), blocks: owns.map(({ block }) => block) })
    const asked = travel([others[0]!], world.request([others[0]!], { payload: question })).last
    if (asked._tag !== "Deliver") return assert.fail(asked._tag)

    const body = world.draw(4 * replyRoom(0) - 2)
    const pieces = divide(write({ type: "DHT", body }), replyRoom(asked.cellClass))!
    assert.lengthOf(pieces, 4)
    const arrived = pieces.map((piece, part) => {
      const payload = { messageId: asked.payload.messageId, part, parts: 4, piece, blocks: [] }
      const sent = sealReply(suite, world.draw, asked.payload.blocks[part]!, payload, NOW)
      return travel([...others.slice(1), me!], Result.getOrThrow(sent)).last
    })
    const reassembly = new Reassembly()
    const results = [2, 0, 3, 1].map((index) => {
      const it = arrived[index]!
      if (it._tag !== "Reply") return assert.fail(it._tag)
      const expected = book.take(it.id, minute)!
      assert.strictEqual(expected.purpose, index)
      return reassembly.add(Result.getOrThrow(openReply(suite, expected.keys, it.body)), NOW)
    })
    assert.deepStrictEqual(
      results.slice(0, 3).map(({ _tag }) => _tag),
      ["Waiting", "Waiting", "Waiting"]
    )
    const whole = results[3]!
    if (whole._tag !== "Whole") return assert.fail(whole._tag)
    assert.isTrue(Buffer.from(whole.envelope.body).equals(body))
    assert.strictEqual(book.size, 0)
  })

  it("is cut into at most eight pieces that make the whole, by the smallest class that holds it", () => {
    const bytes = makeWorld("cut").draw(1_000)
    for (const room of [125, 126, 400, 999, 1_000, 1_001]) {
      const pieces = divide(bytes, room)!
      assert.strictEqual(pieces.length, Math.ceil(1_000 / room))
      assert.deepStrictEqual([...Buffer.concat(pieces)], [...bytes])
    }
    for (const room of [124, 1, 0, -5]) assert.isUndefined(divide(bytes, room))
    assert.deepStrictEqual(divide(new Uint8Array(), 5), [new Uint8Array()])
    const fitting = [replyRoom(0), replyRoom(0) + 1, replyRoom(1), replyRoom(1) + 1, replyRoom(2) + 1]
    assert.deepStrictEqual(
      fitting.map((length) => fittingClass(length, replyRoom)),
      [0, 1, 1, 2, 2]
    )
  })
})
