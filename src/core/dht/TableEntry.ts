/** A contact as a routing table holds it. */
import type { Address } from "#schemas/transport/Address"
import type { Placed } from "./distance.ts"

export interface TableNode {
  readonly key: string
  readonly nodeId: Uint8Array
  readonly addresses: ReadonlyArray<Address>
}

export interface TableEntry<C> extends Placed {
  contact: C
  /** Of the latest handshake that this node dialled; minus infinity for never. */
  verifiedAt: number
  lastSeen: number
  failures: number
  prefixes: ReadonlyArray<string>
}

export const sameAddresses = (a: TableNode, b: TableNode): boolean =>
  a.addresses.length === b.addresses.length && a.addresses.every((it, index) => it.text === b.addresses[index]?.text)
