/** What a Mesh is made with, and what it asks its layer to do. */
import type { Pick } from "./pick.ts"
import type { Scores } from "./Scores.ts"

export type Action =
  | { readonly _tag: "Graft"; readonly peer: string; readonly topic: string }
  /** `backoff` in seconds. */
  | { readonly _tag: "Prune"; readonly peer: string; readonly topic: string; readonly backoff: number }
  | { readonly _tag: "Announce"; readonly peer: string; readonly topic: string; readonly on: boolean }

export interface MeshRules {
  readonly pick: Pick
  readonly scores: Scores
  /** Topics of a neighbour, and of this node. */
  readonly topics: number
  readonly backoffs: number
  /** Milliseconds, here and below: `PruneFor` and the others of services/gossip/Schedules.ts. */
  readonly pruneFor: number
  readonly leaveFor: number
  readonly fanOutFor: number
  readonly opportunityEvery: number
}
