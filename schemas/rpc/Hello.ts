/**
 * The RPC methods that every node answers (WIRE §6).
 *
 *   Hello  [minor, agent ≤ 64, mode, observed address, [capability ≤ 32] ≤ 32, maxInFlight]
 *          by both sides right after the handshake; the address is where the sender sees the other side
 *   Ping   [] → []
 */
import { Result, Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import type { CborValue } from "#schemas/bytes/CborValue"
import { clipText, isArrayUpTo, isBytesUpTo, isTextUpTo, isUint, textUpTo } from "#schemas/bytes/fields"

export const HELLO = "Hello"
export const PING = "Ping"

export const AGENT_LIMIT = 64
export const CAPABILITY_LIMIT = 32
export const CAPABILITIES_LIMIT = 32

/** Bytes of the observed address: a multiaddr of ip and port has 30 at most, and this leaves room for other forms. */
export const OBSERVED_LIMIT = 256

const MODES = ["client", "server"] as const
const U32 = 0xffff_ffff

export class Hello extends Schema.Class<Hello>("allium/rpc/Hello")({
  minor: Schema.Int.check(Schema.isUint32()),
  agent: textUpTo(AGENT_LIMIT),
  mode: Schema.Literals(MODES),
  /** Multiaddr bytes without `/p2p`, empty where the transport cannot tell. */
  observed: bytesUpTo(OBSERVED_LIMIT),
  capabilities: Schema.Array(textUpTo(CAPABILITY_LIMIT)).check(Schema.isMaxLength(CAPABILITIES_LIMIT)),
  /** Requests the sender takes at once. */
  maxInFlight: Schema.Int.check(Schema.isUint32())
}) {}

/** The fields without the class. */
export type HelloFields = Pick<Hello, keyof typeof Hello.fields>

/** Reads the arguments of a call, as `readCall` gives them. */
export const ofArgs = (args: ReadonlyArray<CborValue>): Result.Result<HelloFields, string> => {
  const [minor, agent, modeNumber, observed, capabilities, maxInFlight] = args
  const mode = typeof modeNumber === "number" ? MODES[modeNumber] : undefined
  if (!isUint(minor, U32) || !isTextUpTo(agent, AGENT_LIMIT) || mode === undefined) return malformed
  if (!isBytesUpTo(observed, OBSERVED_LIMIT) || !isCapabilities(capabilities)) return malformed
  if (!isUint(maxInFlight, U32)) return malformed
  return Result.succeed({ minor, agent, mode, observed, capabilities, maxInFlight })
}

/** The agent is cut where it is too long: it comes from the package's name and version. */
export const argsOf = (hello: HelloFields): ReadonlyArray<CborValue> => [
  hello.minor,
  clipText(hello.agent, AGENT_LIMIT),
  MODES.indexOf(hello.mode),
  hello.observed,
  hello.capabilities,
  hello.maxInFlight
]

const malformed = Result.fail("malformed Hello")

const isCapabilities = (value: CborValue | undefined): value is ReadonlyArray<string> =>
  isArrayUpTo(value, CAPABILITIES_LIMIT) && value.every((item) => isTextUpTo(item, CAPABILITY_LIMIT))
