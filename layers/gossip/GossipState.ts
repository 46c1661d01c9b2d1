/** What the parts of MeshGossip share: the state machines, the neighbours, and the hands of the layer. */
import { type Context, Metric } from "effect"
import { Allowance } from "#core/gossip/Allowance"
import type { Mesh } from "#core/gossip/Mesh"
import type { MessageCache } from "#core/gossip/MessageCache"
import type { Scores } from "#core/gossip/Scores"
import type { SeenCache } from "#core/gossip/SeenCache"
import type { Wanted } from "#core/gossip/Wanted"
import type { Contact } from "#core/identity/Contact"
import type { TokenBucket } from "#core/session/TokenBucket"
import { ALLOWANCE } from "#services/gossip/Limits"
import { received } from "#services/gossip/Metrics"
import type { Offence, Session } from "#services/session/SessionManager"
import type { Outbox } from "./Outbox.ts"
import type { Subscribers } from "./Subscribers.ts"

/** Milliseconds within which a flood is one offence. */
const ONE_FLOOD = 1_000

/** A peer with a session, or several while one replaces another. */
export class Neighbour {
  readonly contact: Contact
  readonly sessions: Array<Session>
  #allowance: Allowance | undefined
  /** Messages of it whose validators have not answered yet. */
  validating = 0
  floodedAt = Number.NEGATIVE_INFINITY

  constructor(session: Session) {
    this.contact = session.contact
    this.sessions = [session]
  }

  /** Made when it is first asked: most sessions carry no gossip. */
  get allowance(): Allowance {
    return (this.#allowance ??= new Allowance(ALLOWANCE))
  }

  /** Whether it was one of its sessions that ended, and its last. */
  hasLeft(session: Session): boolean {
    const at = this.sessions.indexOf(session)
    if (at >= 0) this.sessions.splice(at, 1)
    return at >= 0 && this.sessions.length === 0
  }

  get key(): string {
    return this.contact.key
  }
}

export interface GossipState {
  readonly now: () => number
  readonly mesh: Mesh
  readonly scores: Scores
  readonly seen: SeenCache
  readonly cache: MessageCache
  readonly wanted: Wanted
  readonly outbox: Outbox
  readonly subscribers: Subscribers
  readonly neighbours: Map<string, Neighbour>
  /** Of all neighbours together. */
  readonly checks: TokenBucket
  readonly answers: TokenBucket
  readonly charge: (key: string, offence: Offence) => void
  readonly count: (outcome: Outcome) => void
}

/** What may become of a message that arrives. */
export type Outcome = keyof typeof outcomes

const outcomes = {
  accepted: Metric.withAttributes(received, { outcome: "accepted" }),
  known: Metric.withAttributes(received, { outcome: "known" }),
  malformed: Metric.withAttributes(received, { outcome: "malformed" }),
  forged: Metric.withAttributes(received, { outcome: "forged" }),
  rejected: Metric.withAttributes(received, { outcome: "rejected" }),
  ignored: Metric.withAttributes(received, { outcome: "ignored" }),
  untimely: Metric.withAttributes(received, { outcome: "untimely" }),
  unwanted: Metric.withAttributes(received, { outcome: "unwanted" }),
  overload: Metric.withAttributes(received, { outcome: "overload" }),
  flood: Metric.withAttributes(received, { outcome: "flood" })
}

export interface Tally {
  accepted: number
  known: number
  refused: number
  dropped: number
}

export const counting =
  (tally: Tally, context: Context.Context<never>) =>
  (outcome: Outcome): void => {
    outcomes[outcome].updateUnsafe(1, context)
    if (outcome === "accepted" || outcome === "known") tally[outcome]++
    else tally.refused++
  }

/** It sends more than anyone needs to. */
export const flooded = ({ charge, now, scores }: GossipState, neighbour: Neighbour): void => {
  if (now() - neighbour.floodedAt < ONE_FLOOD) return
  neighbour.floodedAt = now()
  scores.misbehaved(neighbour.key, now())
  charge(neighbour.key, "flooding")
}
