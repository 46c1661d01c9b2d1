/**
 * Which network an address belongs to: the /24 of IPv4, the /48 of IPv6, what one owner usually holds.
 *
 * Contacts, providers and quotas are limited for each, so that whoever owns one network cannot fill a table alone.
 */
import { keyOf } from "#schemas/bytes/bytes"
import type { Address } from "#schemas/transport/Address"

/** Codes of the first part of a multiaddr that is an IP address. */
const IP4 = 4
const IP6 = 41

/** A name counts as a network of its own: what it resolves to is not known here. */
export const prefixOf = (address: Address): string => {
  if (address.bytes[0] === IP4) return `4:${keyOf(address.bytes.subarray(1, 4))}`
  if (address.bytes[0] === IP6) return `6:${keyOf(address.bytes.subarray(1, 7))}`
  return `${address.kind}:${address.host.toLowerCase()}`
}

/** Of all addresses, each once. */
export const prefixesOf = (addresses: ReadonlyArray<Address>): ReadonlyArray<string> => [
  ...new Set(addresses.map(prefixOf))
]

/** The /16 of IPv4, the /32 of IPv6: what one operator's machines usually share. */
export const wideNetworkOf = (address: Address): string => {
  if (address.bytes[0] === IP4) return `4:${keyOf(address.bytes.subarray(1, 3))}`
  if (address.bytes[0] === IP6) return `6:${keyOf(address.bytes.subarray(1, 5))}`
  return `${address.kind}:${address.host.toLowerCase()}`
}
