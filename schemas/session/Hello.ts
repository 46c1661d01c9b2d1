/**
 * What each side says of itself inside the handshake (WIRE.md §3), an array in the payload of messages 2 and 3:
 *
 *   [minor, agent ≤ 64, mode (0 client, 1 server), observed address ≤ 64, [capability ≤ 23] ≤ 4, maxInFlight]
 *
 * The address is where the sender sees the other side. With these limits it fits beside the longest record.
 */
import { Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import type { CborValue } from "#schemas/bytes/CborValue"
import { clipText, isArrayUpTo, isBytesUpTo, isTextUpTo, isUint, textUpTo } from "#schemas/bytes/fields"

export const AGENT_LIMIT = 64
export const CAPABILITY_LIMIT = 23
export const CAPABILITIES_LIMIT = 4

/** Bytes of the observed address: a multiaddr of ip and port has 30 at most, and this leaves room for other forms. */
export const OBSERVED_LIMIT = 64

const MODES = ["client", "server"] as const
const U32 = 0xffff_ffff

export class Hello extends Schema.Class<Hello>("allium/session/Hello")({
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

/** Undefined for what is none. What a later minor version added at the end is read over. */
export const ofArray = (value: CborValue | undefined): HelloFields | undefined => {
  if (!Array.isArray(value)) return undefined
  const [minor, agent, modeNumber, observed, capabilities, maxInFlight]: ReadonlyArray<CborValue | undefined> = value
  const mode = typeof modeNumber === "number" ? MODES[modeNumber] : undefined
  if (!isUint(minor, U32) || !isTextUpTo(agent, AGENT_LIMIT) || mode === undefined) return undefined
  if (!isBytesUpTo(observed, OBSERVED_LIMIT) || !isCapabilities(capabilities)) return undefined
  return isUint(maxInFlight, U32) ? { minor, agent, mode, observed, capabilities, maxInFlight } : undefined
}

/** The agent is cut where it is too long: it comes from the package's name and version. */
export const arrayOf = (hello: HelloFields): ReadonlyArray<CborValue> => [
  hello.minor,
  clipText(hello.agent, AGENT_LIMIT),
  MODES.indexOf(hello.mode),
  hello.observed,
  hello.capabilities,
  hello.maxInFlight
]

const isCapabilities = (value: CborValue | undefined): value is ReadonlyArray<string> =>
  isArrayUpTo(value, CAPABILITIES_LIMIT) && value.every((item) => isTextUpTo(item, CAPABILITY_LIMIT))
