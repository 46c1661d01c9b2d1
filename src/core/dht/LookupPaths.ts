/**
 * All that the paths of one lookup have heard of: what became of a node is known once, whichever of them named it. Who is
 * to be asked next follows from it, and what was found.
 */
import { commonPrefixLength, headOf, sortByDistance } from "./distance.ts"
import { type Candidate, LookupPath, type Target } from "./LookupPath.ts"

export interface LookupNode {
  readonly key: string
  readonly nodeId: Uint8Array
}

export class LookupPaths<C extends LookupNode> {
  readonly #id: Uint8Array
  readonly #ownKey: string
  readonly #paths: ReadonlyArray<LookupPath<C>>
  readonly #known = new Map<string, Target<C>>()

  /** For what has this id; `ownKey` is never a candidate. */
  constructor(count: number, id: Uint8Array, ownKey: string) {
    this.#id = id
    this.#ownKey = ownKey
    this.#paths = Array.from({ length: count }, (_, number) => new LookupPath<C>(number, id))
  }

  find(key: string): Target<C> | undefined {
    return this.#known.get(key)
  }

  /** By distance, one after the other to each path; says how many of them are new. */
  deal(contacts: ReadonlyArray<C>): number {
    const rows = contacts.map((contact) => ({ contact, id: contact.nodeId, head: headOf(contact.nodeId) }))
    if (this.#paths.length > 1) sortByDistance(rows, this.#id)
    const size = this.#known.size
    rows.forEach(({ contact }, at) => void this.#add(contact, this.#paths[at % this.#paths.length]!, undefined))
    return Math.max(0, this.#known.size - size)
  }

  /** What a candidate answered belongs to its path; says how many of them are new. */
  named(contacts: ReadonlyArray<C>, by: Candidate<C>): number {
    const size = this.#known.size
    for (const contact of contacts) this.#add(contact, by.path, by)
    return Math.max(0, this.#known.size - size)
  }

  /** Of the path that has least under way: so each gets its share, however well one of them does. */
  best(wanted: number, isConnected: ((contact: C) => boolean) | undefined): Candidate<C> | undefined {
    let best: Candidate<C> | undefined
    for (const path of this.#paths) {
      if (best !== undefined && path.inFlight >= best.path.inFlight) continue
      best = path.best(wanted, isConnected) ?? best
    }
    return best
  }

  areSettled(wanted: number, patient: boolean): boolean {
    return this.#paths.every((path) => path.isSettled(wanted, patient))
  }

  /** The closest of all that the paths have heard of. */
  get first(): Target<C> | undefined {
    if (this.#paths.length === 1) return this.#paths[0]!.first
    const firsts = this.#paths.flatMap(({ first }) => first ?? [])
    sortByDistance(firsts, this.#id)
    return firsts[0]
  }

  /** All that any path remembers, by distance. */
  targets(): Array<Target<C>> {
    if (this.#paths.length === 1) return this.#paths[0]!.targets()
    const rows = [...this.#known.values()]
    sortByDistance(rows, this.#id)
    return rows
  }

  #add(contact: C, path: LookupPath<C>, from: Candidate<C> | undefined): void {
    if (contact.key === this.#ownKey) return
    let target = this.#known.get(contact.key)
    if (target === undefined) {
      target = {
        contact,
        id: contact.nodeId,
        head: headOf(contact.nodeId),
        closeness: commonPrefixLength(this.#id, contact.nodeId),
        state: "waiting",
        asked: undefined,
        paths: 0
      }
      this.#known.set(contact.key, target)
    } else if (path.remembers(target)) return
    const forgotten = path.add(target, from)
    if (forgotten?.paths === 0) this.#known.delete(forgotten.contact.key)
  }
}
