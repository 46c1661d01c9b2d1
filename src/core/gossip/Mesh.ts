/**
 * Which neighbours full messages go to, topic by topic: the mesh of a topic that this node has joined, and the fan-out
 * of one that it only publishes to (after gossipsub v1.1). A state machine: what happens goes in, what has to be told
 * to whom comes out. Peers and topics are keys; chance is given. Owned by one layer.
 *
 * A mesh is mended as soon as it is too thin, so that it does not depend on how often the heart beats; the heartbeat
 * removes whom nobody wants, thins it out and looks for better ones.
 */
import { Backoffs } from "./Backoffs.ts"
import { FanOut } from "./FanOut.ts"
import type { Action, MeshRules } from "./MeshRules.ts"
import { Neighbours } from "./Neighbours.ts"
import { GOSSIP_THRESHOLD, PUBLISH_THRESHOLD } from "./PeerScore.ts"
import { sample } from "./pick.ts"
import type { Scores } from "./Scores.ts"
import { DEGREE, DEGREE_DIALLED, DEGREE_HIGH, DEGREE_LOW, tended } from "./tending.ts"

/** Neighbours outside of the mesh that are told of messages: so many, or a quarter. */
const LAZY = 6
const LAZY_PART = 0.25

export class Mesh {
  readonly #rules: MeshRules
  readonly #scores: Scores
  readonly #neighbours: Neighbours
  readonly #backoffs: Backoffs
  readonly #fanOut: FanOut
  /** Of each joined topic. */
  readonly #members = new Map<string, Set<string>>()
  #opportunityAt = Number.NEGATIVE_INFINITY
  #actions: Array<Action> = []

  constructor(rules: MeshRules) {
    this.#rules = rules
    this.#scores = rules.scores
    this.#neighbours = new Neighbours(rules.topics)
    this.#backoffs = new Backoffs(rules.backoffs)
    this.#fanOut = new FanOut(rules.topics, rules.fanOutFor)
  }

  get neighbours(): Neighbours {
    return this.#neighbours
  }

  get backoffs(): number {
    return this.#backoffs.size
  }

  get fanOuts(): number {
    return this.#fanOut.size
  }

  topics(): IterableIterator<string> {
    return this.#members.keys()
  }

  hasJoined(topic: string): boolean {
    return this.#members.has(topic)
  }

  members(topic: string): ReadonlySet<string> {
    return this.#members.get(topic) ?? NOBODY
  }

  /** Whether the heartbeat has anything to look after. */
  isIdle(): boolean {
    return this.#members.size === 0 && this.#fanOut.size === 0
  }

  /** Whether a session with this neighbour should be kept though nothing may be said on it for long. */
  isUseful(peer: string): boolean {
    for (const members of this.#members.values()) if (members.has(peer)) return true
    return false
  }

  /** A session has opened. It may be a further one to the same peer, which has perhaps forgotten: it is told again. */
  peerUp(peer: string, dialled: boolean): ReadonlyArray<Action> {
    this.#neighbours.enter(peer, dialled)
    for (const [topic, members] of this.#members) {
      this.#actions.push({ _tag: "Announce", peer, topic, on: true })
      if (members.has(peer)) this.#actions.push({ _tag: "Graft", peer, topic })
    }
    return this.#taken()
  }

  peerDown(peer: string, now: number): ReadonlyArray<Action> {
    const topics = this.#neighbours.leave(peer)
    this.#fanOut.remove(peer)
    for (const topic of topics) {
      if (this.#remove(peer, topic)) this.#mend(topic, now)
    }
    return this.#taken()
  }

  /** What a neighbour says of itself; false when it says more than it may. */
  subscribed(peer: string, topic: string, on: boolean, now: number): ReadonlyArray<Action> | false {
    if (on) {
      if (!this.#neighbours.joined(peer, topic)) return false
      if (this.members(topic).size < DEGREE && this.#isWanted(peer, topic, now)) this.#graft(peer, topic, now)
    } else {
      this.#neighbours.left(peer, topic)
      this.#fanOut.remove(peer, topic)
      if (this.#remove(peer, topic)) this.#mend(topic, now)
    }
    return this.#taken()
  }

  join(topic: string, now: number): ReadonlyArray<Action> {
    if (this.#members.has(topic)) return []
    this.#members.set(topic, new Set())
    for (const peer of this.#neighbours.keys()) this.#actions.push({ _tag: "Announce", peer, topic, on: true })
    for (const peer of this.#fanOut.take(topic)) if (this.#isWanted(peer, topic, now)) this.#graft(peer, topic, now)
    this.#mend(topic, now)
    return this.#taken()
  }

  leave(topic: string, now: number): ReadonlyArray<Action> {
    for (const peer of this.members(topic)) this.#prune(peer, topic, this.#rules.leaveFor, now)
    this.#members.delete(topic)
    this.#scores.forget(topic)
    for (const peer of this.#neighbours.keys()) this.#actions.push({ _tag: "Announce", peer, topic, on: false })
    return this.#taken()
  }

  /** The neighbour has taken this node into its mesh; whoever it is not welcome from is told so. */
  grafted(peer: string, topic: string, now: number): ReadonlyArray<Action> {
    const members = this.#members.get(topic)
    // A topic that was left a moment ago; or a probe, which gets no answer.
    if (members === undefined || members.has(peer)) return []
    const neighbour = this.#neighbours.find(peer)
    if (this.#backoffs.holds(peer, topic, now)) this.#scores.misbehaved(peer, now)
    else if (neighbour?.topics.has(topic) === true && this.#scores.of(peer, now) >= 0) {
      const isMissed = neighbour.dialled && [...members].filter(this.#isDialled).length < DEGREE_DIALLED
      if (members.size < DEGREE_HIGH || isMissed) {
        members.add(peer)
        this.#scores.enteredMesh(peer, topic, now)
        return []
      }
    }
    this.#prune(peer, topic, this.#rules.pruneFor, now)
    return this.#taken()
  }

  /** `backoff` in seconds. */
  pruned(peer: string, topic: string, backoff: number, now: number): ReadonlyArray<Action> {
    if (!this.#members.has(topic) || this.#neighbours.find(peer) === undefined) return []
    this.#backoffs.set(peer, topic, backoff * 1000, now)
    if (this.#remove(peer, topic)) this.#mend(topic, now)
    return this.#taken()
  }

  /** Whom an own message goes to: the mesh and, where that is thin, some more; or the fan-out. */
  targets(topic: string, now: number): ReadonlySet<string> {
    const members = this.#members.get(topic)
    if (members === undefined) {
      return this.#fanOut.use(topic, now, DEGREE, this.#neighbours.of(topic), this.#scores, this.#rules.pick)
    }
    if (members.size >= DEGREE) return members
    const others = [...this.#neighbours.of(topic)].filter(
      (peer) => !members.has(peer) && this.#scores.of(peer, now) >= PUBLISH_THRESHOLD
    )
    return new Set([...members, ...sample(others, DEGREE - members.size, this.#rules.pick)])
  }

  heartbeat(now: number): ReadonlyArray<Action> {
    const looksForBetter = now - this.#opportunityAt >= this.#rules.opportunityEvery
    if (looksForBetter) this.#opportunityAt = now
    for (const [topic, members] of this.#members) {
      const stays = tended({
        members,
        wanted: () => this.#wanted(topic, now),
        scoreOf: (peer) => this.#scores.of(peer, now),
        isDialled: this.#isDialled,
        pick: this.#rules.pick,
        looksForBetter
      })
      for (const peer of [...members]) if (!stays.has(peer)) this.#drop(peer, topic, now)
      for (const peer of stays) if (!members.has(peer)) this.#graft(peer, topic, now)
    }
    this.#fanOut.sweep(now)
    this.#backoffs.sweep(now)
    return this.#taken()
  }

  /** Some who are not in the mesh of a topic, to be told what there is. */
  listeners(topic: string, now: number): ReadonlyArray<string> {
    const members = this.members(topic)
    const others = [...this.#neighbours.of(topic)].filter(
      (peer) => !members.has(peer) && this.#scores.of(peer, now) >= GOSSIP_THRESHOLD
    )
    return sample(others, Math.max(LAZY, Math.ceil(others.length * LAZY_PART)), this.#rules.pick)
  }

  #taken(): ReadonlyArray<Action> {
    const actions = this.#actions
    if (actions.length > 0) this.#actions = []
    return actions
  }

  #isWanted(peer: string, topic: string, now: number): boolean {
    return (
      this.#members.get(topic)?.has(peer) === false &&
      this.#neighbours.has(peer, topic) &&
      this.#scores.of(peer, now) >= 0 &&
      !this.#backoffs.holdsHere(peer, topic, now)
    )
  }

  #wanted(topic: string, now: number): Array<string> {
    return [...this.#neighbours.of(topic)].filter((peer) => this.#isWanted(peer, topic, now))
  }

  #mend(topic: string, now: number): void {
    const members = this.members(topic)
    if (!this.#members.has(topic) || members.size >= DEGREE_LOW) return
    for (const peer of sample(this.#wanted(topic, now), DEGREE - members.size, this.#rules.pick)) {
      this.#graft(peer, topic, now)
    }
  }

  #graft(peer: string, topic: string, now: number): void {
    this.#members.get(topic)?.add(peer)
    this.#scores.enteredMesh(peer, topic, now)
    this.#actions.push({ _tag: "Graft", peer, topic })
  }

  #drop(peer: string, topic: string, now: number): void {
    this.#remove(peer, topic)
    this.#prune(peer, topic, this.#rules.pruneFor, now)
  }

  #prune(peer: string, topic: string, millis: number, now: number): void {
    this.#backoffs.set(peer, topic, millis, now)
    this.#actions.push({ _tag: "Prune", peer, topic, backoff: Math.ceil(millis / 1000) })
  }

  #remove(peer: string, topic: string): boolean {
    if (this.#members.get(topic)?.delete(peer) !== true) return false
    this.#scores.leftMesh(peer, topic)
    return true
  }

  readonly #isDialled = (peer: string): boolean => this.#neighbours.find(peer)?.dialled === true
}

const NOBODY: ReadonlySet<string> = new Set()
