/**
 * Where the next hop listens, as headers and reply blocks carry it (WIRE §4): three fields of fixed size, so that an
 * address never changes the size of a cell.
 *
 *   addr_kind u8   0 none · 1 ip4/tcp · 2 ip6/tcp · 3 ip4/quic · 4 ip6/quic
 *   port u16       not zero
 *   ip 16          v4 in the first four, the others zero
 *
 * In both layouts the ip follows the port. With kind 0 port and ip are zero. One address has one encoding, which is
 * checked: a second one would be a mark that a sender could leave for a relay of its own.
 */
import { Result, Schema } from "effect"
import { bytesOf } from "#schemas/bytes/bytes"

export class HopAddress extends Schema.Class<HopAddress>("allium/onion/HopAddress")({
  transport: Schema.Literals(["tcp", "quic"]),
  ip: Schema.Union([bytesOf(4), bytesOf(16)]),
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffff }))
}) {}

/** The fields without the class, as the hot path has them. */
export type HopAddressFields = Pick<HopAddress, keyof typeof HopAddress.fields>

const NO_ADDRESS = 0
const IP4_TCP = 1
const IP6_TCP = 2
const IP4_QUIC = 3
const IP6_QUIC = 4

const V4 = 4
const V6 = 16

/** The bytes of a multiaddr's parts (the multicodec table, as varints). */
const IP4 = [0x04]
const IP6 = [0x29]
const TCP = [0x06]
const UDP = [0x91, 0x02]
const QUIC_V1 = [0xcd, 0x03]

export const kindOf = (address: HopAddressFields | undefined): number => {
  if (address === undefined) return NO_ADDRESS
  if (address.transport === "tcp") return address.ip.length === V4 ? IP4_TCP : IP6_TCP
  return address.ip.length === V4 ? IP4_QUIC : IP6_QUIC
}

/** `at` is where the port stands. No address (kind 0) is undefined. */
export const readHopAddress = (
  kind: number,
  bytes: Uint8Array,
  at: number
): Result.Result<HopAddressFields | undefined, string> => {
  if (kind > IP6_QUIC) return Result.fail("unknown kind of address")
  const port = (bytes[at]! << 8) | bytes[at + 1]!
  const length = kind === NO_ADDRESS ? 0 : kind === IP4_TCP || kind === IP4_QUIC ? V4 : V6
  for (let rest = length; rest < V6; rest++) if (bytes[at + 2 + rest] !== 0) return notZero
  if (kind === NO_ADDRESS) return port === 0 ? none : notZero
  if (port === 0) return Result.fail("an address without a port")
  const transport = kind === IP4_TCP || kind === IP6_TCP ? "tcp" : "quic"
  return Result.succeed({ transport, ip: bytes.subarray(at + 2, at + 2 + length), port })
}

/** Writes port and ip where zeros are; the kind is `kindOf`. */
export const writeHopAddress = (address: HopAddressFields | undefined, bytes: Uint8Array, at: number): void => {
  if (address === undefined) return
  bytes[at] = address.port >>> 8
  bytes[at + 1] = address.port
  bytes.set(address.ip, at + 2)
}

/** The multiaddr, without the peer's part. */
export const multiaddrOf = ({ transport, ip, port }: HopAddressFields): Uint8Array => {
  const ports = [port >>> 8, port & 0xff]
  const tail = transport === "tcp" ? [...TCP, ...ports] : [...UDP, ...ports, ...QUIC_V1]
  return Uint8Array.of(...(ip.length === V4 ? IP4 : IP6), ...ip, ...tail)
}

/** Of a multiaddr's bytes without the peer's part; undefined for whatever is not one of the four kinds. */
export const hopAddressOf = (multiaddr: Uint8Array): HopAddressFields | undefined => {
  const length = multiaddr[0] === IP4[0] ? V4 : multiaddr[0] === IP6[0] ? V6 : undefined
  if (length === undefined) return undefined
  const ip = multiaddr.subarray(1, 1 + length)
  const rest = multiaddr.subarray(1 + length)
  const port = (at: number) => (rest[at]! << 8) | rest[at + 1]!
  if (rest.length === 3 && startsWith(rest, 0, TCP)) return withPort("tcp", ip, port(1))
  if (rest.length === 6 && startsWith(rest, 0, UDP) && startsWith(rest, 4, QUIC_V1)) {
    return withPort("quic", ip, port(2))
  }
  return undefined
}

const none = Result.succeed(undefined)
const notZero = Result.fail("unused bytes of an address are not zero")

const startsWith = (bytes: Uint8Array, at: number, part: ReadonlyArray<number>): boolean =>
  part.every((byte, index) => bytes[at + index] === byte)

const withPort = (transport: "tcp" | "quic", ip: Uint8Array, port: number): HopAddressFields | undefined =>
  port === 0 ? undefined : { transport, ip, port }
