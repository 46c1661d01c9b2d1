/**
 * The first request in each direction of a session, and Ping (WIRE.md §6): what a node says of itself.
 *
 *     Hello  [minor, agent ≤ 64, mode (0 client, 1 server), observed address, [capability ≤ 32] ≤ 32, maxInFlight] → []
 *     Ping   [] → []
 */
import { Result, Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesUpTo, isTextUpTo, isUint } from "#schemas/bytes/fields"

export const HELLO = "Hello"
export const PING = "Ping"

/** The minor version of the protocol that this code speaks. */
export const MINOR = 0
export const MAX_AGENT = 64
export const MAX_CAPABILITIES = 32
export const MAX_CAPABILITY = 32
/** Bytes of a multiaddr: the longest real one (a DNS name, QUIC, a certificate hash) is under 320. */
export const MAX_ADDRESS = 512
/** More than this in flight nobody needs to promise. */
export const MAX_IN_FLIGHT = 65_535

export class Hello extends Schema.Class<Hello>("allium/rpc/Hello")({
  minor: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })),
  agent: Schema.String.check(Schema.isMaxLength(MAX_AGENT)),
  mode: Schema.Literals(["client", "server"]),
  /** Multiaddr bytes at which the sender sees the receiver. */
  observed: bytesUpTo(MAX_ADDRESS),
  capabilities: Schema.Array(Schema.String.check(Schema.isMaxLength(MAX_CAPABILITY))).check(
    Schema.isMaxLength(MAX_CAPABILITIES)
  ),
  /** Requests that the sender answers at the same time; more are refused as busy. */
  maxInFlight: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_IN_FLIGHT }))
}) {}

/** From the elements after the method's name; more at the end belong to a later minor version. */
export const readHello = (values: ReadonlyArray<CborValue>): Result.Result<Hello, string> => {
  const [minor, agent, mode, observed, capabilities, maxInFlight] = values
  if (!isUint(minor, 255)) return Result.fail("bad minor version")
  if (!isTextUpTo(agent, MAX_AGENT)) return Result.fail("bad agent")
  if (mode !== 0 && mode !== 1) return Result.fail("bad mode")
  if (!isBytesUpTo(observed, MAX_ADDRESS)) return Result.fail("bad observed address")
  if (!isArrayUpTo(capabilities, MAX_CAPABILITIES)) return Result.fail("bad capabilities")
  const names = capabilities.filter((name): name is string => isTextUpTo(name, MAX_CAPABILITY))
  if (names.length < capabilities.length) return Result.fail("bad capabilities")
  if (!isUint(maxInFlight, MAX_IN_FLIGHT) || maxInFlight === 0) return Result.fail("bad limit")
  return Result.succeed(
    new Hello({ minor, agent, mode: mode === 1 ? "server" : "client", observed, capabilities: names, maxInFlight })
  )
}

export const writeHello = (hello: Hello): ReadonlyArray<CborValue> => [
  hello.minor,
  hello.agent,
  hello.mode === "server" ? 1 : 0,
  hello.observed,
  hello.capabilities,
  hello.maxInFlight
]
