/** A peer as its own verified PeerRecord describes it. */
import { Result } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PeerRecordFields } from "#schemas/identity/PeerRecord"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { type Address, readAddress } from "#schemas/transport/Address"
import type { Suite } from "./Suite.ts"
import { nodeIdOf } from "./signature.ts"

export interface Contact {
  readonly nodeId: NodeId
  /** `keyOf(nodeId)`, for maps. */
  readonly key: string
  readonly publicKey: PublicKey
  readonly record: PeerRecordFields
  /** The record as it was signed, to be passed on. */
  readonly bytes: Uint8Array
  /** Without the peer's part. Those that this version cannot read are left out. Parsed when first asked for. */
  readonly addresses: ReadonlyArray<Address>
}

class LazyContact implements Contact {
  readonly nodeId: NodeId
  readonly key: string
  readonly record: PeerRecordFields
  readonly bytes: Uint8Array
  #addresses: ReadonlyArray<Address> | undefined

  constructor(nodeId: NodeId, record: PeerRecordFields, bytes: Uint8Array) {
    this.nodeId = nodeId
    this.key = keyOf(nodeId)
    this.record = record
    this.bytes = bytes
  }

  get publicKey(): PublicKey {
    return this.record.publicKey
  }

  get addresses(): ReadonlyArray<Address> {
    return (this.#addresses ??= this.record.addresses.flatMap((bytes) => {
      const address = readAddress(bytes)
      // The record says who is there; an address that names somebody (else) breaks the format.
      return Result.isSuccess(address) && address.success.peer === undefined ? [address.success] : []
    }))
  }
}

/** `record` must have been read from `bytes`; both are kept. Verifies nothing. */
export const contactOf = (suite: Suite, record: PeerRecordFields, bytes: Uint8Array): Contact =>
  new LazyContact(nodeIdOf(suite, record.publicKey), record, bytes)
