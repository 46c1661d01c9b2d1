/** What is changed, cut or made up on the way is found by the very next node. */
import { assert, describe, it } from "@effect/vitest"
import { ttlOf } from "#core/onion/minutes"
import type { DropReason } from "#core/onion/peel"
import { ReplaySet } from "#core/onion/ReplaySet"
import { CELL_BYTES, STACK_BYTES } from "#schemas/onion/OnionCell"
import { writeHeader } from "#schemas/onion/OnionHeader"
import { writePayload } from "#schemas/onion/OnionPayload"
import { type EnvelopeType, write } from "#schemas/router/InnerEnvelope"
import {
  changed,
  makeWorld,
  minute,
  type OnionNode,
  peelAt,
  peelFresh,
  reasonOf,
  travel,
  type World
} from "./fixtures.ts"
import { naiveBuild } from "./naiveOnion.ts"

/** The top bit of a public key, which X25519 itself does not see, and one of the lower ones. */
const bitsAt = (at: number) => (at === 31 ? [0x80, 1] : [1 << (at & 7)])

const expectDropped = (node: OnionNode, cell: Uint8Array, at: number): void => {
  for (const by of bitsAt(at)) {
    const reason = reasonOf(peelFresh(node, changed(cell, at, by)))
    assert.strictEqual(reason, at < STACK_BYTES ? "sealed" : "body", `byte ${at}`)
  }
}

describe("a changed byte of a request", () => {
  it("is found by the next hop, wherever it stands: relays and recipient", () => {
    const world = makeWorld("every byte")
    const path = world.nodes(4)
    const { links } = travel(path, world.request(path))
    for (const [hop, cell] of links.entries()) {
      for (let at = 0; at < cell.length; at++) expectDropped(path[hop]!, cell, at)
    }
  }, 120_000)

  it("is found in larger cells too", () => {
    const world = makeWorld("large cells")
    const path = world.nodes(5)
    for (const cellClass of [1, 2] as const) {
      const { links } = travel(path, world.request(path, { cellClass }))
      for (const [hop, cell] of links.entries()) {
        const places = [STACK_BYTES - 1, STACK_BYTES, cell.length - 1]
        for (let index = 0; index < 20; index++) {
          const drawn = new DataView(world.draw(4).buffer).getUint32(0)
          places.push(drawn % (index % 2 === 0 ? STACK_BYTES : cell.length))
        }
        for (const at of places) expectDropped(path[hop]!, cell, at)
      }
    }
  })

  it("costs the cell: its tag is taken, since the header was good", () => {
    const world = makeWorld("tag taken")
    const path = world.nodes(2)
    const { cell } = world.request(path)
    assert.strictEqual(reasonOf(peelAt(path[0]!, changed(cell, 2_000))), "body")
    assert.strictEqual(reasonOf(peelAt(path[0]!, cell)), "replayed")
  })
})

describe("a cell of no size that there is", () => {
  it("is dropped unread", () => {
    const world = makeWorld("sizes")
    const [node] = world.nodes(1)
    const { cell } = world.request([node!])
    for (const length of [0, 1, 32, 140, 699, 700, 4_095, 4_097, 36_863, 65_407, 65_409]) {
      const other = new Uint8Array(length)
      other.set(cell.subarray(0, length))
      assert.strictEqual(reasonOf(peelAt(node!, other)), "size", `${length} bytes`)
    }
  })

  it("cannot be made of another class by padding or cutting it", () => {
    const world = makeWorld("classes")
    const [node] = world.nodes(1)
    const padded = new Uint8Array(CELL_BYTES[1])
    padded.set(world.request([node!]).cell)
    assert.strictEqual(reasonOf(peelFresh(node!, padded)), "body")
    const cut = world.request([node!], { cellClass: 1 }).cell.subarray(0, CELL_BYTES[0])
    assert.strictEqual(reasonOf(peelFresh(node!, cut)), "body")
  })
})

describe("an ephemeral key of small order", () => {
  it("is refused before anything is opened, for it agrees on zeros with every key", () => {
    const world = makeWorld("small order")
    const [node] = world.nodes(1)
    const order8 = Buffer.from("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "hex")
    for (const ephemeral of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(order8)]) {
      const { cell } = world.request([node!])
      cell.set(ephemeral)
      assert.strictEqual(reasonOf(peelFresh(node!, cell)), "agreement")
    }
  })
})

/** A cell for one hop with any header and body that its sender likes. */
const crafted = (world: World, node: OnionNode, header: Uint8Array, body: Uint8Array): Uint8Array => {
  const padded = new Uint8Array(CELL_BYTES[0] - STACK_BYTES)
  padded.set(body)
  const layer = { onion: node.onion, ephemeral: world.draw(32), nonce: world.draw(12), header }
  return naiveBuild([layer], world.draw(560), padded)
}

describe("a header that was made up", () => {
  const world = makeWorld("crafted")
  const [node, other] = world.nodes(2) as [OnionNode, OnionNode]
  const next = { nodeId: other.nodeId, address: other.address! }
  const common = { deliverLocal: false, reply: false, ttl: ttlOf(minute), delay: 0, bodyTag: new Uint8Array(16) }
  const judge = (header: Uint8Array, body = writePayload(world.payloadOf())) => {
    const peeled = peelFresh(node, crafted(world, node, header, body))
    return peeled._tag === "Drop" ? peeled.reason : peeled._tag
  }
  const patched = (header: Uint8Array, at: number, value: number) => {
    const copy = header.slice()
    copy[at] = value
    return copy
  }

  it("is obeyed where it keeps the rules", () => {
    assert.strictEqual(judge(writeHeader({ ...common, next })), "Forward")
    assert.strictEqual(judge(writeHeader({ ...common, next: { nodeId: other.nodeId } })), "Forward")
    assert.strictEqual(judge(writeHeader({ ...common, deliverLocal: true })), "Deliver")
    assert.strictEqual(judge(writeHeader({ ...common, deliverLocal: true, reply: true })), "Reply")
  })

  it("is refused with flags, reserved bytes or addresses that there are not", () => {
    const good = writeHeader({ ...common, next })
    for (const bit of [8, 16, 32, 64, 128]) assert.strictEqual(judge(patched(good, 0, good[0]! | bit)), "header")
    for (let at = 72; at < 80; at++) assert.strictEqual(judge(patched(good, at, 0x80)), "header")
    for (const kind of [0, 5, 255]) assert.strictEqual(judge(patched(good, 1, kind)), "header")
    assert.strictEqual(judge(patched(good, 12, 1)), "header")
    assert.strictEqual(judge(patched(good, 0, 1)), "header", "a next hop that the flags deny")
    assert.strictEqual(judge(writeHeader({ ...common, deliverLocal: true, reply: true, next })), "header")
  })

  it("leads nowhere without flags, and costs a tag, as cover traffic does", () => {
    assert.strictEqual(judge(writeHeader(common)), "nowhere")
    assert.strictEqual(judge(writeHeader({ ...common, reply: true })), "nowhere")
    const cell = crafted(world, node, writeHeader(common), new Uint8Array())
    assert.strictEqual(reasonOf(peelAt(node, cell)), "nowhere")
    assert.strictEqual(reasonOf(peelAt(node, cell)), "replayed")
  })

  it("delivers a payload only if there is one, of blocks of its own class", () => {
    const local = writeHeader({ ...common, deliverLocal: true })
    assert.strictEqual(judge(local, new Uint8Array(100)), "payload")
    const { block } = world.replyBlock([other, node], 0)
    assert.strictEqual(judge(local, writePayload(world.payloadOf({ blocks: [block] }))), "Deliver")
    const larger = writePayload(world.payloadOf({ blocks: [block, { ...block, cellClass: 1 }] }))
    assert.strictEqual(judge(local, larger), "payload")
  })

  it("hands on nothing but a whole MLS_PAYLOAD or WELCOME", () => {
    const both = writeHeader({ ...common, deliverLocal: true, next })
    const types = ["MLS_PAYLOAD", "CRDT_OP", "WELCOME", "RPC", "DHT", "SNAPSHOT", "ACK"] as const
    const judged = (type: EnvelopeType, parts = 1): DropReason | string =>
      judge(both, writePayload(world.payloadOf({ piece: write({ type, body: world.draw(9) }), parts })))
    assert.deepStrictEqual(
      types.filter((type) => judged(type) === "Hand"),
      ["MLS_PAYLOAD", "WELCOME"]
    )
    assert.strictEqual(judged("RPC"), "not handed on")
    assert.strictEqual(judged("WELCOME", 2), "not handed on")
    assert.strictEqual(judge(both, writePayload(world.payloadOf({ piece: Uint8Array.of(1) }))), "not handed on")
  })

  it("names the peer that it hands to, and keeps message id and blocks for the acknowledgement", () => {
    const envelope = { type: "WELCOME", body: world.draw(30) } as const
    const { block } = world.replyBlock([other, node])
    const payload = world.payloadOf({ piece: write(envelope), blocks: [block] })
    const peeled = peelAt(node, world.request([node], { payload, handTo: next }).cell)
    if (peeled._tag !== "Hand") return assert.fail(`${peeled._tag}`)
    assert.deepStrictEqual({ ...peeled.next, nodeId: [...peeled.next.nodeId] }, { ...next, nodeId: [...next.nodeId] })
    assert.strictEqual(peeled.envelope.type, "WELCOME")
    assert.deepStrictEqual([...peeled.envelope.body], [...envelope.body])
    assert.deepStrictEqual([...peeled.payload.messageId], [...payload.messageId])
    assert.lengthOf(peeled.payload.blocks, 1)
  })
})

describe("a full replay set", () => {
  it("refuses what it could not tell from a replay, and says so", () => {
    const world = makeWorld("full")
    const [node] = world.nodes(1)
    node!.replays = new ReplaySet(new Uint8Array(16), 2)
    const reasons = [1, 2, 3].map(() => reasonOf(peelAt(node!, world.request([node!]).cell)))
    assert.deepStrictEqual(reasons, [undefined, undefined, "full"])
  })
})
