/**
 * What the parts of a document have in common. A container begins as a root with a name or in a place of another one, and
 * never moves, so there are no cycles. It dies with its place: whatever was and will be written in it is removed, and it
 * stays as an empty shell for those who do not know yet.
 */
import type { ContainerKind } from "#schemas/crdt/Value"

/** How deep containers stand in each other, at most; a root is at 1. */
export const DEPTH_LIMIT = 64

/** One thing that happened: so much removed at a place, and something put there. Of a map: what a key holds now. */
export interface Change<Content> {
  readonly at: number
  readonly removed: number
  readonly inserted: Content
}

export abstract class Container {
  abstract readonly kind: ContainerKind
  /** Of a root. */
  readonly name: string | undefined
  /** The id of the place it began in, unless it is a root. */
  readonly author: number
  readonly counter: number
  readonly depth: number
  isDead = false
  /** Somebody wants to hear of changes: they are noted down until a batch is over. */
  isWatched = false

  constructor(place: Place) {
    this.name = place.name
    this.author = place.author
    this.counter = place.counter
    this.depth = place.depth
  }

  /** Removes everything; hands on the containers that were in it. */
  abstract clear(dying: Array<Container>): void

  /** The noted changes, which are forgotten. */
  abstract takeChanges(): ReadonlyArray<unknown>

  abstract toJSON(): unknown
}

export interface Place {
  readonly name: string | undefined
  readonly author: number
  readonly counter: number
  readonly depth: number
}

/** Any value as JSON has it; bytes stay bytes. */
export const plainOf = (item: unknown): unknown => (item instanceof Container ? item.toJSON() : item)
