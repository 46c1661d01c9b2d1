/**
 * Keeps open logs equal among those who have them open: own operations are pushed as they come, and logs are compared
 * with peers when a session opens and now and then (DESIGN.md §11). How long somebody was away only decides how many
 * pages he fetches.
 */
import { Context, Duration, type Effect, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import * as Message from "#schemas/crdt/SyncMessage"
import type { PutError, PutReceipt } from "../dht/Dht.ts"
import type { TooManyTopics } from "../gossip/Gossip.ts"
import type { RpcError, RpcMethod } from "../rpc/Rpc.ts"
import type { DialTarget } from "../session/SessionManager.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"
import type { Log, NotPlain, SnapshotRefused } from "./OpLog.ts"

/** "How far have you come, and I this far?" */
export const COMPARE: RpcMethod<typeof Message.CompareRequest.Type, typeof Message.CompareAnswer.Type> = {
  name: "CompareLog",
  request: Message.CompareRequest,
  response: Message.CompareAnswer
}

/** "Give me these": records, parents first. */
export const FETCH: RpcMethod<typeof Message.FetchRequest.Type, typeof Message.FetchAnswer.Type> = {
  name: "FetchOps",
  request: Message.FetchRequest,
  response: Message.FetchAnswer,
  takes: Duration.seconds(2)
}

/** "Give me your snapshot from here on." */
export const PIECE: RpcMethod<typeof Message.PieceRequest.Type, typeof Message.PieceAnswer.Type> = {
  name: "FetchState",
  request: Message.PieceRequest,
  response: Message.PieceAnswer,
  takes: Duration.seconds(2)
}

/** The peer's answers lead nowhere: `reason` says how. */
export class UselessPeer extends Schema.TaggedError<UselessPeer>()("UselessPeer", { reason: Schema.String }) {}

export type CompareError = RpcError | StorageFailed | SnapshotRefused | NotPlain | UselessPeer

export interface KeepOptions {
  /** Whether this node tells the network that it has the document open, and looks there for others; true by default. */
  readonly discover?: boolean | undefined
  /** Seconds, at most 7 d, for which each own operation is stored on the network; none is by default. */
  readonly storeFor?: number | undefined
}

export class Sync extends Context.Service<
  Sync,
  {
    /** Until the scope closes. */
    readonly keep: (log: Log, options?: KeepOptions) => Effect.Effect<void, TooManyTopics, Scope.Scope>
    /** Fetches what a peer has more of this log; answers how much was new here. */
    readonly compare: (log: Log, peer: DialTarget) => Effect.Effect<number, CompareError>
    /** Puts a snapshot of now on the network, for who opens the document when nobody else has it open. */
    readonly publish: (log: Log) => Effect.Effect<PutReceipt, PutError>
    /** Neighbours that have the document open. */
    readonly peers: (log: Log) => ReadonlyArray<Contact>
  }
>()("allium/services/crdt/Sync") {}
