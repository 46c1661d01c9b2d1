import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { NodeId } from "#schemas/identity/NodeId"
import {
  ADDRESS_BYTES,
  ADDRESS_TEXT,
  AddressFromBytes,
  AddressFromText,
  expecting,
  parseAddress,
  readAddress,
  wholeBytes,
  withPeer
} from "#schemas/transport/Address"
import { isPrivate } from "#schemas/transport/isPrivate"

const parse = (text: string) => Result.getOrThrow(parseAddress(text))
const id = NodeId.make(Uint8Array.from({ length: 32 }, (_, i) => i))

const Octet = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))
const texts = Arbitrary.schema(
  Schema.Struct({
    ip4: Schema.Tuple([Octet, Octet, Octet, Octet]),
    ip6: Schema.Array(Port).check(Schema.isBetweenLength(8, 8)),
    port: Port,
    form: Schema.Literals(["ip4", "ip6", "memory", "quic", "dns"]),
    peer: Schema.Boolean
  })
).pipe(
  Arbitrary.map(({ ip4, ip6, port, form, peer }) => {
    const place = {
      ip4: `/ip4/${ip4.join(".")}/tcp/${port}`,
      ip6: `/ip6/${ip6.map((part) => part.toString(16)).join(":")}/tcp/${port}`,
      memory: `/memory/${port}`,
      quic: `/ip4/${ip4.join(".")}/udp/${port}/quic-v1`,
      dns: `/dns4/node-${port}.example.org/tcp/${port}`
    }[form]
    return peer ? withPeer(parse(place), id) : place
  })
)

describe("Address", () => {
  it("splits text into kind, host, port, family and peer", () => {
    const address = parse("/ip4/192.0.2.7/tcp/4001/p2p/QmNLei78zWmzUdbeRB3CiUfAizWUrbeeZh5K1rhAQKCh51")
    assert.deepStrictEqual(
      [address.kind, address.host, address.port, address.family, address.text],
      ["tcp", "192.0.2.7", 4001, 4, "/ip4/192.0.2.7/tcp/4001"]
    )
    assert.strictEqual(address.peer?.length, 32)
    assert.strictEqual(parse("/ip6/2001:db8:0:0::1/tcp/1").text, "/ip6/2001:db8::1/tcp/1")
    assert.strictEqual(parse("/dns6/a.example/tcp/1").family, 6)
    assert.deepStrictEqual([parse("/memory/12").kind, parse("/memory/12").host], ["memory", "12"])
  })

  it("carries the addresses of other transports along", () => {
    for (const text of ["/ip4/1.2.3.4/udp/9/quic-v1", "/ip4/1.2.3.4/tcp/80/ws", "/dns/a.b/tcp/443/tls/ws", "/unix/a"]) {
      assert.strictEqual(parse(text).kind, "other", text)
    }
  })

  it.prop("text and bytes name the same address", [texts], ([text]) => {
    const parsed = parse(text)
    const read = Result.getOrThrow(readAddress(wholeBytes(parsed)))
    assert.strictEqual(read.toString(), parsed.toString())
    assert.deepStrictEqual(wholeBytes(read), wholeBytes(parsed))
    assert.deepStrictEqual({ ...read }, { ...parsed })
  })

  it.effect("both schemas decode what they encode", () =>
    Effect.gen(function* () {
      const address = expecting(parse("/ip4/1.2.3.4/tcp/5"), id)
      const text = yield* Schema.encodeEffect(AddressFromText)(address)
      assert.strictEqual(text, withPeer(address, id))
      const again = yield* Schema.decodeEffect(AddressFromText)(text)
      const bytes = yield* Schema.encodeEffect(AddressFromBytes)(again)
      assert.deepStrictEqual({ ...(yield* Schema.decodeEffect(AddressFromBytes)(bytes)) }, { ...address })
    })
  )

  it("refuses parts that the library can write as text and not as bytes", () => {
    assert.isTrue(Result.isFailure(readAddress(Uint8Array.of(188, 3, 0, 0)))) // /onion/ of nothing
  })

  it.prop(
    "no bytes make it throw, and what it reads has exactly these bytes",
    [Schema.Array(Octet).check(Schema.isMaxLength(40))],
    ([octets]) => {
      const bytes = Uint8Array.from(octets)
      const read = readAddress(bytes)
      if (Result.isSuccess(read)) assert.deepStrictEqual(wholeBytes(read.success), bytes)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop("no change of one byte is read as the old address", [texts, Octet, Octet], ([text, at, flip]) => {
    const bytes = wholeBytes(parse(text)).slice()
    const place = at % bytes.length
    bytes[place] = (bytes[place] ?? 0) ^ (flip === 0 ? 1 : flip)
    const read = readAddress(bytes)
    if (Result.isSuccess(read)) assert.notStrictEqual(read.success.toString(), parse(text).toString())
  })

  it("refuses what is too long, not canonical, not printable, or no address", () => {
    const refusedTexts = [
      "",
      "/",
      "ip4/1.2.3.4/tcp/1",
      "/ip4/1.2.3/tcp/1",
      "/ip4/1.2.3.4/tcp/65536",
      "/ip4/1.2.3.4/tcp/",
      "/nonsense/1",
      "/memory/0x3",
      "/memory/03",
      "/memory/1/tcp/3",
      "/dns4/exa mple/tcp/4",
      "/ip6/fe80::1%eth0/tcp/1",
      "/p2p/QmNLei78zWmzUdbeRB3CiUfAizWUrbeeZh5K1rhAQKCh51",
      "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
      `/dns4/${"a".repeat(ADDRESS_TEXT)}/tcp/1`
    ]
    for (const text of refusedTexts) assert.isTrue(Result.isFailure(parseAddress(text)), text)
    const overlong = Uint8Array.of(0x84, 0x00, 1, 2, 3, 4, 6, 0, 1) // code 4 in two bytes
    const truncated = Uint8Array.of(4, 1, 2, 3, 4, 6, 0)
    for (const bytes of [new Uint8Array(0), overlong, truncated, new Uint8Array(ADDRESS_BYTES + 1).fill(4)]) {
      assert.isTrue(Result.isFailure(readAddress(bytes)))
    }
  })
})

describe("isPrivate", () => {
  const here = [
    "/ip4/0.0.0.0",
    "/ip4/10.1.2.3",
    "/ip4/100.64.0.1",
    "/ip4/127.9.9.9",
    "/ip4/169.254.169.254",
    "/ip4/172.31.0.1",
    "/ip4/192.168.0.1",
    "/ip4/224.0.0.1",
    "/ip4/255.255.255.255",
    "/ip6/::",
    "/ip6/::1",
    "/ip6/::ffff:127.0.0.1",
    "/ip6/::10.0.0.1",
    "/ip6/fe80::1",
    "/ip6/fd00::1",
    "/ip6/ff02::1",
    "/ip6/64:ff9b::a00:1",
    "/dns4/localhost"
  ]
  const anywhere = [
    "/ip4/1.1.1.1",
    "/ip4/100.128.0.1",
    "/ip4/172.32.0.1",
    "/ip4/11.0.0.1",
    "/ip4/223.255.255.255",
    "/ip6/2606:4700::1111",
    "/ip6/::ffff:8.8.8.8",
    "/dns4/example.org"
  ]
  it("is true of every special range and false next to them", () => {
    for (const place of here) assert.isTrue(isPrivate(parse(`${place}/tcp/1`)), place)
    for (const place of anywhere) assert.isFalse(isPrivate(parse(`${place}/tcp/1`)), place)
    assert.isFalse(isPrivate(parse("/memory/1")))
  })
})
