import { assert, it } from "@effect/vitest"
import { Result } from "effect"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import { hopAddress, hopOf } from "#core/onion/hops"
import { parseAddress } from "#schemas/transport/Address"
import { makeWorld, suite } from "./fixtures.ts"

const world = makeWorld("hops")

const contactAt = (...addresses: ReadonlyArray<string>) =>
  signPeerRecord(suite, suite.signingKey(world.draw(32)), new Uint8Array(32), {
    noise: world.draw(32),
    onion: world.draw(32),
    seq: 1,
    issued: 0,
    expires: 100,
    capabilities: 0,
    addresses: addresses.map((text) => Result.getOrThrow(parseAddress(text)).bytes)
  })

const tcp = (port: number, ...ip: ReadonlyArray<number>) =>
  ({ transport: "tcp", ip: Uint8Array.from(ip), port }) as const

it("a hop is named by the first address that a header has room for, private ones only on a local network", () => {
  const contact = contactAt("/dns4/example.com/tcp/1", "/ip4/10.0.0.1/tcp/2", "/ip4/198.51.100.1/tcp/3")
  assert.deepStrictEqual(hopAddress(contact, false), tcp(3, 198, 51, 100, 1))
  assert.deepStrictEqual(hopAddress(contact, true), tcp(2, 10, 0, 0, 1))
  assert.isUndefined(hopAddress(contactAt("/ip4/10.0.0.1/tcp/2", "/memory/7"), false))
  assert.isUndefined(hopAddress(contactAt(), true))
})

it("a hop has the node's onion key, and no address where none can be named", () => {
  const contact = contactAt("/memory/7")
  const { nodeId, record } = contact
  assert.deepStrictEqual(hopOf(contact, true, 9), { nodeId, onion: record.onion, delay: 9 })
})
