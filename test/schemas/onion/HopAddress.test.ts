import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HopAddress, hopAddressOf, kindOf, multiaddrOf } from "#schemas/onion/HopAddress"
import { parseAddress, readAddress } from "#schemas/transport/Address"

const bytesOfText = (text: string) => Result.getOrThrow(parseAddress(text)).bytes

describe("HopAddress", () => {
  it("is one of four kinds of multiaddr, and none of the others", () => {
    const kinds = [
      "/ip4/10.1.2.3/tcp/4150",
      "/ip6/2001:db8::1/tcp/1",
      "/ip4/10.1.2.3/udp/443/quic-v1",
      "/ip6/::1/udp/65535/quic-v1"
    ]
    assert.deepStrictEqual(
      kinds.map((text) => kindOf(hopAddressOf(bytesOfText(text)))),
      [1, 2, 3, 4]
    )
    const others = [
      "/ip4/10.1.2.3/tcp/0",
      "/ip4/10.1.2.3/udp/443",
      "/ip4/10.1.2.3/tcp/1/ws",
      "/dns4/a.example/tcp/1",
      "/memory/7"
    ]
    for (const text of others) assert.isUndefined(hopAddressOf(bytesOfText(text)), text)
    for (const text of kinds) {
      const bytes = bytesOfText(text)
      for (let length = 0; length < bytes.length; length++) {
        assert.isUndefined(hopAddressOf(bytes.subarray(0, length)), `${length} bytes of ${text}`)
      }
    }
  })

  it.prop("its multiaddr is one that the library reads, and gives it back", [HopAddress], ([address]) => {
    const bytes = multiaddrOf(address)
    const read = Result.getOrThrow(readAddress(bytes))
    assert.strictEqual(read.port, address.port)
    assert.strictEqual(read.family, address.ip.length === 4 ? 4 : 6)
    assert.deepStrictEqual(hopAddressOf(read.bytes), { ...address })
  })
})
