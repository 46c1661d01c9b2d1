/** A node as a hop of a path: whose key seals its layer, and where the hop before it finds it. */
import type { Contact } from "#core/identity/Contact"
import { type HopAddressFields, hopAddressOf } from "#schemas/onion/HopAddress"
import { isPrivate } from "#schemas/transport/isPrivate"
import type { Hop } from "./buildRequest.ts"

/**
 * The first of a node's addresses that a header can name. Private ones only where `local`: elsewhere nobody dials them
 * on another's word. Without one the node is reached over sessions that are open.
 */
export const hopAddress = (contact: Contact, local: boolean): HopAddressFields | undefined => {
  for (const address of contact.addresses) {
    const named = local || !isPrivate(address) ? hopAddressOf(address.bytes) : undefined
    if (named !== undefined) return named
  }
  return undefined
}

export const hopOf = (contact: Contact, local: boolean, delay = 0): Hop => {
  const { nodeId, record } = contact
  const address = hopAddress(contact, local)
  const hop = { nodeId, onion: record.onion, delay }
  return address === undefined ? hop : { ...hop, address }
}
