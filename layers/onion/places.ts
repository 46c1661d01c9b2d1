/** Where a hop is, as a header, a reply block or this node's own choice says, and how far that word is believed. */
import { Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { keyOf } from "#schemas/bytes/bytes"
import { multiaddrOf } from "#schemas/onion/HopAddress"
import type { NextHopFields } from "#schemas/onion/OnionHeader"
import { type Address, readAddress } from "#schemas/transport/Address"
import { isPrivate } from "#schemas/transport/isPrivate"
import type { DialTarget } from "#services/session/SessionManager"

export interface PlaceOptions {
  /** On a local network private addresses are as good as others. */
  readonly local: boolean
  /** The newest verified record of a node. */
  readonly find: (key: string) => Contact | undefined
}

/** A hop that is not kept as a view: of whatever it was read from, there would be much more than these few bytes. */
export const copied = ({ address, nodeId }: NextHopFields): NextHopFields =>
  address === undefined
    ? { nodeId: nodeId.slice() as NextHopFields["nodeId"] }
    : { nodeId: nodeId.slice() as NextHopFields["nodeId"], address: { ...address, ip: address.ip.slice() } }

/**
 * A hop that a stranger named. It is dialled where that stranger says, or where the hop's own record says if that is the
 * same place; what only the stranger says is hearsay. Without an address there is nowhere to dial.
 */
export const placeNamed = (
  { find, local }: PlaceOptions,
  { address: named, nodeId }: NextHopFields
): DialTarget | "no session" | "address" | "private address" => {
  if (named === undefined) return "no session"
  const address = addressOf(named)
  if (address === undefined) return "address"
  if (!local && isPrivate(address)) return "private address"
  const known = find(keyOf(nodeId))?.addresses ?? []
  if (!known.some(({ text }) => text === address.text)) {
    return { nodeId, addresses: [address], trusted: false, hearsay: true }
  }
  return { nodeId, addresses: withFirst(address, known), trusted: false }
}

/** The first hop of an answer, likewise; without an address, where the hop's own record says, as nobody else names it. */
export const placeAnswered = (options: PlaceOptions, next: NextHopFields): ReturnType<typeof placeNamed> => {
  if (next.address !== undefined) return placeNamed(options, next)
  const known = options.find(keyOf(next.nodeId))?.addresses ?? []
  return known.length === 0 ? "no session" : { nodeId: next.nodeId, addresses: known, trusted: false }
}

/** A hop that this node chose: where it was told, and where the hop's record says. */
export const placeChosen = ({ find }: PlaceOptions, { address: given, nodeId }: NextHopFields): DialTarget => {
  const address = given === undefined ? undefined : addressOf(given)
  const known = find(keyOf(nodeId))?.addresses ?? []
  return { nodeId, addresses: address === undefined ? known : withFirst(address, known), trusted: false }
}

/** What hops of one place have in common. */
export const placeKey = ({ address, nodeId }: NextHopFields): string =>
  address === undefined ? keyOf(nodeId) : keyOf(nodeId) + keyOf(multiaddrOf(address))

/** Undefined for what this version cannot dial. */
const addressOf = (address: NonNullable<NextHopFields["address"]>): Address | undefined => {
  const read = readAddress(multiaddrOf(address))
  return Result.isSuccess(read) && read.success.kind !== "other" ? read.success : undefined
}

const withFirst = (address: Address, others: ReadonlyArray<Address>): ReadonlyArray<Address> => [
  address,
  ...others.filter(({ text }) => text !== address.text)
]
