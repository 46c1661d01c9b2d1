/** Our own vectors of WIRE §4: both suites build, peel and open them to the byte, and the file is what its script makes. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { nobleSuite } from "#core/identity/nobleSuite"
import { buildRequest, type Hop } from "#core/onion/buildRequest"
import { type Peeled, peel } from "#core/onion/peel"
import { ReplaySet } from "#core/onion/ReplaySet"
import { makeReplyBlock, maskBody, openReply, sealReply } from "#core/onion/replyBlock"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { hexOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { readHopAddress } from "#schemas/onion/HopAddress"
import { CELL_BYTES } from "#schemas/onion/OnionCell"
import { readPayload } from "#schemas/onion/OnionPayload"
import { readReplyBlock, writeReplyBlock } from "#schemas/onion/ReplyBlock"
import { makeVectors, type ReplyVector, type RequestVector, stream, type VectorHop } from "./makeOnion.ts"

const file: { readonly requests: ReadonlyArray<RequestVector>; readonly replies: ReadonlyArray<ReplyVector> } =
  JSON.parse(readFileSync(new URL("./onion.json", import.meta.url), "utf8"))

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))

/** In seconds, one at which such a ttl is good. */
const aliveAt = (ttl: number) => (ttl - 1) * 60

/** Gives the very bytes that were drawn when the vector was made, and no others. */
const scripted = (draws: ReadonlyArray<Uint8Array>) => {
  const left = [...draws]
  return (count: number) => {
    const next = left.shift()
    assert.strictEqual(next?.length, count)
    return next!
  }
}

const hopOf = ({ addrKind, delay, ip, nodeId, onion, port }: VectorHop): Hop => {
  const place = new Uint8Array(18)
  place.set([port >> 8, port & 255])
  place.set(bytes(ip), 2)
  const address = Result.getOrThrow(readHopAddress(addrKind, place, 0))
  const hop = { nodeId: bytes(nodeId) as NodeId, onion: bytes(onion), delay }
  return address === undefined ? hop : { ...hop, address }
}

const stackDraw = ({ path, unused }: RequestVector | ReplyVector) =>
  bytes(unused + path.map((hop) => hop.nonce).join(""))

for (const [name, suite] of [["nobleSuite", nobleSuite] as const, ["NodeCrypto", NodeCrypto.suite] as const]) {
  const ephemeralsOf = (path: ReadonlyArray<VectorHop>) => path.map((hop) => suite.agreementKey(bytes(hop.ephemeral)))

  /** Peels on the way of the vector and looks at the cell and the header at every hop; gives what the last one makes of it. */
  const travel = ({ path, ttl }: RequestVector | ReplyVector, first: Uint8Array, reply: boolean): Peeled => {
    let cell = first
    for (const [index, hop] of path.entries()) {
      assert.strictEqual(hexOf(suite.sha256(cell)), hop.cell, `the cell at hop ${index}`)
      const keys = [suite.agreementKey(bytes(hop.secret))]
      const peeled = peel(suite, { keys, replays: new ReplaySet(new Uint8Array(16)) }, cell, aliveAt(ttl))
      if (peeled._tag !== "Forward") return peeled
      const next = hopOf(path[index + 1]!)
      assert.deepStrictEqual(
        [hexOf(peeled.next.nodeId), peeled.delay, peeled.reply],
        [hexOf(next.nodeId), hop.delay, reply]
      )
      assert.strictEqual(peeled.next.address?.port, next.address?.port)
      assert.strictEqual(
        hexOf(peeled.next.address?.ip ?? new Uint8Array()),
        hexOf(next.address?.ip ?? new Uint8Array())
      )
      cell = peeled.cell
    }
    return assert.fail("no hop took it")
  }

  const paddingOf = ({ cellClass, padding, payload }: RequestVector | ReplyVector, tag: number) =>
    stream(padding, CELL_BYTES[cellClass] - 700 - tag - payload.length / 2)

  describe(`onion with ${name}`, () => {
    for (const vector of file.requests) {
      it(`a request ${vector.name} is built, travels and arrives as laid down`, () => {
        const { cellClass, first, handTo, path, payload, ttl } = vector
        const built = Result.getOrThrow(
          buildRequest(suite, scripted([paddingOf(vector, 0), stackDraw(vector)]), {
            path: path.map(hopOf),
            ephemerals: ephemeralsOf(path),
            cellClass,
            ttl,
            payload: Result.getOrThrow(readPayload(bytes(payload))),
            ...(handTo === undefined ? undefined : { handTo: { nodeId: bytes(handTo) as NodeId } })
          })
        )
        if (first !== undefined) assert.strictEqual(hexOf(built.cell), first)
        const arrived = travel(vector, built.cell, false)
        assert.strictEqual(arrived._tag, handTo === undefined ? "Deliver" : "Hand")
        if (arrived._tag !== "Deliver" && arrived._tag !== "Hand") return
        assert.isTrue(
          payload.includes(hexOf(arrived.payload.messageId) + payload.slice(32, 44) + hexOf(arrived.payload.piece))
        )
        if (arrived._tag === "Hand") assert.strictEqual(hexOf(arrived.next.nodeId), handTo)
      })
    }

    for (const vector of file.replies) {
      it(`a reply ${vector.name} is prepared, sent, masked and opened as laid down`, () => {
        const { block, cellClass, id, masks, path, payload, replyKey, ttl } = vector
        const own = Result.getOrThrow(
          makeReplyBlock(suite, scripted([bytes(id + replyKey), stackDraw(vector)]), {
            path: path.map(hopOf),
            ephemerals: ephemeralsOf(path),
            cellClass,
            ttl
          })
        )
        assert.strictEqual(hexOf(writeReplyBlock(own.block)), block)
        const relays = Array.from({ length: path.length - 1 }, (_, hop) =>
          own.keys.masks.subarray(hop * 32, hop * 32 + 32)
        )
        assert.strictEqual(relays.map((key) => hexOf(maskBody(suite, key, new Uint8Array(32)))).join(""), masks)

        const answer = Result.getOrThrow(readPayload(bytes(payload)))
        const received = Result.getOrThrow(readReplyBlock(bytes(block)))
        const draw = scripted([paddingOf(vector, 16)])
        const sent = Result.getOrThrow(sealReply(suite, draw, received, answer, aliveAt(ttl)))
        const arrived = travel(vector, sent.cell, true)
        if (arrived._tag !== "Reply") return assert.fail(arrived._tag)
        assert.strictEqual(hexOf(arrived.id), id)
        const opened = Result.getOrThrow(openReply(suite, own.keys, arrived.body))
        assert.deepStrictEqual(
          [hexOf(opened.messageId), hexOf(opened.piece)],
          [hexOf(answer.messageId), hexOf(answer.piece)]
        )
      })
    }
  })
}

it("the file is what its script makes", () => {
  assert.deepStrictEqual(file, JSON.parse(JSON.stringify(makeVectors())))
})

it("the vectors' headers say what the wire document says", () => {
  const flags = (vector: RequestVector | ReplyVector) => vector.path.map(({ header }) => header.slice(0, 2))
  assert.deepStrictEqual(
    file.requests.map(flags).map((it) => it.join(" ")),
    ["01", "04 04 04 01", "04 04 04 04 01", "04 04 05", "04 04 04 01", "04 04 04 01"]
  )
  assert.deepStrictEqual(
    file.replies.map(flags).map((it) => it.join(" ")),
    ["06 03", "06 06 06 03", "06 06 06 03"]
  )
  for (const { path, ttl } of [...file.requests, ...file.replies]) {
    for (const { header } of path) assert.strictEqual(header.slice(4, 8), ttl.toString(16).padStart(4, "0"))
  }
})
