import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { HEADER_BYTES, OnionHeader, OnionHeaderFromBytes, readHeader, writeHeader } from "#schemas/onion/OnionHeader"
import { bitFlips, counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const nodeId = counting(32, 1) as NodeId
const bodyTag = counting(16, 64)
const v4 = { transport: "tcp", ip: Uint8Array.of(10, 0, 0, 7), port: 0x1036 } as const
const v6 = { transport: "quic", ip: counting(16, 128), port: 443 } as const
const common = { deliverLocal: false, reply: false, ttl: 0x0102, delay: 0x0304, bodyTag }
const forward = { ...common, next: { nodeId, address: v4 } }

const patched = (bytes: Uint8Array, at: number, value: number) =>
  Uint8Array.from(bytes, (byte, index) => (index === at ? value : byte))

describe("OnionHeader", () => {
  it("has exactly the layout of the wire document", () => {
    const zeros = (count: number) => "00".repeat(count)
    assert.strictEqual(
      hexOf(writeHeader(forward)),
      `0401010203041036${hexOf(v4.ip)}${zeros(12)}${hexOf(nodeId)}${hexOf(bodyTag)}${zeros(8)}`
    )
    assert.strictEqual(
      hexOf(writeHeader({ ...common, reply: true, next: { nodeId, address: v6 } })),
      `06040102030401bb${hexOf(v6.ip)}${hexOf(nodeId)}${hexOf(bodyTag)}${zeros(8)}`
    )
    assert.strictEqual(
      hexOf(writeHeader({ ...common, deliverLocal: true, ttl: 65_535, delay: 0 })),
      `0100ffff${zeros(52)}${hexOf(bodyTag)}${zeros(8)}`
    )
  })

  it.effect.prop("decode inverts encode", [OnionHeader], ([header]) => roundTrip(OnionHeaderFromBytes)(header))

  it("is refused at any other length, and nothing one bit away makes the reader throw", () => {
    withstands(readHeader, writeHeader(forward))
    assert.strictEqual(refusal(readHeader(new Uint8Array(HEADER_BYTES + 1))), "not 80 bytes")
  })

  it("refuses each unknown flag and each reserved byte", () => {
    const good = writeHeader(forward)
    for (const bit of [8, 16, 32, 64, 128]) {
      assert.strictEqual(refusal(readHeader(patched(good, 0, good[0]! | bit))), "unknown flags")
    }
    for (let at = 72; at < 80; at++) {
      assert.strictEqual(refusal(readHeader(patched(good, at, 1))), "reserved bytes are not zero")
    }
  })

  it("takes an address of each kind only in its one encoding", () => {
    const good = writeHeader(forward)
    for (const kind of [5, 6, 255]) {
      assert.strictEqual(refusal(readHeader(patched(good, 1, kind))), "unknown kind of address")
    }
    assert.strictEqual(refusal(readHeader(patched(good, 1, 0))), "unused bytes of an address are not zero")
    for (let at = 12; at < 24; at++) {
      assert.strictEqual(refusal(readHeader(patched(good, at, 1))), "unused bytes of an address are not zero")
    }
    const portless = patched(patched(good, 6, 0), 7, 0)
    assert.strictEqual(refusal(readHeader(portless)), "an address without a port")
    const bare = writeHeader({ ...common, next: { nodeId } })
    for (const at of [6, 7, 8, 23]) {
      assert.strictEqual(refusal(readHeader(patched(bare, at, 1))), "unused bytes of an address are not zero")
    }
  })

  it("has no next hop, and no address, where the flags deny one", () => {
    for (const header of [forward, { ...common, next: { nodeId } }]) {
      const denied = patched(writeHeader(header), 0, 1)
      assert.strictEqual(refusal(readHeader(denied)), "a next hop that the flags deny")
    }
    const local = writeHeader({ ...common, deliverLocal: true })
    for (const at of [24, 55]) {
      assert.strictEqual(refusal(readHeader(patched(local, at, 1))), "a next hop that the flags deny")
    }
  })

  it("whatever is accepted is written to the same bytes", () => {
    const headers = [forward, { ...common, next: { nodeId } }, { ...common, next: { nodeId, address: v6 } }, common]
    for (const header of headers) {
      for (const bytes of bitFlips(writeHeader(header))) {
        const read = readHeader(bytes)
        if (Result.isSuccess(read)) assert.deepStrictEqual(writeHeader(read.success), bytes)
      }
    }
  })
})
