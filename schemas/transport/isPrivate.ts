/**
 * Addresses that mean something only here: a stranger who names one could aim this node at its own neighbourhood.
 * Ranges of the IANA special-purpose registries (RFC 6890), those that are not reachable from everywhere.
 */
import { Result } from "effect"
import { type Address, parseAddress } from "./Address.ts"

type Range = readonly [prefix: ReadonlyArray<number>, bits: number]

const PRIVATE_4: ReadonlyArray<Range> = [
  [[0], 8], // this host (RFC 1122)
  [[10], 8], // private (RFC 1918)
  [[100, 64], 10], // carrier-grade NAT (RFC 6598)
  [[127], 8], // loopback
  [[169, 254], 16], // link-local, cloud metadata
  [[172, 16], 12], // private
  [[192, 0, 0], 24], // protocol assignments
  [[192, 168], 16], // private
  [[198, 18], 15], // benchmarking (RFC 2544)
  [[224], 4], // multicast
  [[240], 4] // reserved, broadcast
]

const PRIVATE_6: ReadonlyArray<Range> = [
  [[0x00, 0x64, 0xff, 0x9b], 32], // NAT64: leads to any IPv4 address, private ones included (RFC 6052, RFC 8215)
  [[0x20, 0x01, 0x00, 0x00], 32], // Teredo: carries an IPv4 address inside (RFC 4380)
  [[0x20, 0x02], 16], // 6to4, the same (RFC 3056)
  [[0xfc], 7], // unique local (RFC 4193)
  [[0xfe, 0x80], 10], // link-local
  [[0xfe, 0xc0], 10], // site-local, withdrawn but still routed by some
  [[0xff], 8] // multicast
]

/** Unspecified and loopback are the zero and one of the IPv4-compatible range. */
const MAPPED: Range = [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96]
const COMPATIBLE: Range = [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 96]

/** The first code of a multiaddr that begins with an IP address; the address's own bytes follow. */
const IP4 = 4
const IP6 = 41

/** Whether only this machine, this network or nobody can mean it. Names count as public until they are resolved. */
export const isPrivate = (address: Address): boolean => {
  if (address.bytes[0] === IP4) return among(PRIVATE_4, address.bytes, 1)
  if (address.bytes[0] === IP6) {
    // IPv4 inside IPv6 (mapped, and the deprecated "compatible" form) is judged as the IPv4 address that it is.
    const isFour = within(MAPPED, address.bytes, 1) || within(COMPATIBLE, address.bytes, 1)
    return isFour ? among(PRIVATE_4, address.bytes, 13) : among(PRIVATE_6, address.bytes, 1)
  }
  return /(^|\.)(localhost|local|internal|home\.arpa)$/i.test(address.host)
}

/** The same of what a name was resolved to; text that is no IP address at all counts as private. */
export const isPrivateIp = (ip: string, family: number): boolean =>
  Result.match(parseAddress(`/ip${family === 6 ? 6 : 4}/${ip}`), { onFailure: () => true, onSuccess: isPrivate })

/** The IP address stands at `start`. */
const among = (ranges: ReadonlyArray<Range>, bytes: Uint8Array, start: number): boolean => {
  for (const range of ranges) if (within(range, bytes, start)) return true
  return false
}

const within = (range: Range, bytes: Uint8Array, start: number): boolean => {
  const [prefix, bits] = range
  for (let bit = 0, at = 0; bit < bits; bit += 8, at++) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff
    if (((bytes[start + at] ?? 0) & mask) !== ((prefix[at] ?? 0) & mask)) return false
  }
  return true
}
