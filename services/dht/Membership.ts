/** This node among others: whom it knows, what it says of itself, and who says to have a role (DESIGN.md §6). */
import { Context, type Effect, Schema } from "effect"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { Address } from "#schemas/transport/Address"
import type { ConnectFailed } from "../session/SessionManager.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"
import type { GetError, OperationOptions, PutError, PutReceipt } from "./Dht.ts"

/** `client` keeps nothing for others and stands in nobody's table. */
export const ServingMode = Schema.Literals(["client", "server"])
export type ServingMode = typeof ServingMode.Type

/** In whose name something is announced: the open namespace, where anybody may say anything, unless given. */
export interface Namespace {
  readonly authority?: PublicKey
  /** From the authority to this node, each grant as its CBOR (WIRE.md §6); none in the open namespace. */
  readonly grants?: ReadonlyArray<Uint8Array>
}

export interface RolePeer {
  readonly nodeId: NodeId
  readonly publicKey: PublicKey
  /** Unix seconds. */
  readonly issued: number
  readonly expires: number
}

export const MembershipStats = Schema.Struct({
  /** Peers this node knows of, and of them those in the routing table and those with an open session. */
  peers: Schema.Int,
  tableSize: Schema.Int,
  connected: Schema.Int,
  /** Records held here. */
  keys: Schema.Int,
  uptimeSeconds: Schema.Int,
  mode: ServingMode
})
export type MembershipStats = typeof MembershipStats.Type

export class Membership extends Context.Service<
  Membership,
  {
    /** Dials the address, which ends in `/p2p/…`, and from then on knows that node. */
    readonly registerPeer: (address: Address) => Effect.Effect<NodeId, ConnectFailed>
    /**
     * Says so for 24 h, and again every 12 h for as long as the node runs. A role has at most 59 bytes in UTF-8, a
     * capability 60, or it is an `InvalidRecord`.
     */
    readonly announceRole: (role: string, namespace?: Namespace) => Effect.Effect<PutReceipt, PutError>
    readonly announceCapability: (capability: string) => Effect.Effect<PutReceipt, PutError>
    /** It is not said again; what others hold of it lives out its day. Nothing happens where it was not announced. */
    readonly withdrawRole: (
      role: string,
      namespace?: Pick<Namespace, "authority">
    ) => Effect.Effect<void, StorageFailed>
    readonly withdrawCapability: (capability: string) => Effect.Effect<void, StorageFailed>
    /** Latest first. In the open namespace everybody may be wrong about himself. */
    readonly findPeersByRole: (
      role: string,
      options?: OperationOptions & Pick<Namespace, "authority">
    ) => Effect.Effect<ReadonlyArray<RolePeer>, GetError>
    readonly findPeersByCapability: (
      capability: string,
      options?: OperationOptions
    ) => Effect.Effect<ReadonlyArray<RolePeer>, GetError>
    readonly isBootstrapped: () => boolean
    /** `auto` decides by itself and may change its mind. */
    readonly mode: () => ServingMode
    readonly stats: Effect.Effect<MembershipStats, StorageFailed>
  }
>()("allium/services/dht/Membership") {}
