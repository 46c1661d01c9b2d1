/**
 * Which networks a contact is in. Contacts, providers and quotas are limited for each, so that whoever owns one network
 * cannot fill a table alone.
 */
import type { Address } from "#schemas/transport/Address"

/** Of all addresses, each once. */
export const networksIn = (addresses: ReadonlyArray<Address>): ReadonlyArray<string> => {
  const [only] = addresses
  if (addresses.length === 1 && only !== undefined) return [only.network]
  return [...new Set(addresses.map(({ network }) => network))]
}
