/**
 * One place for a value. Whoever writes replaces what he knows; what was written without knowledge of each other stays
 * side by side until the next write, and the one with the largest lamport is shown, then the one of the larger author.
 */
import type { Plain } from "#schemas/crdt/Value"
import type { Authors } from "./Authors.ts"
import type { Container } from "./Container.ts"

export type Item = Plain | Container

export interface Entry {
  readonly author: number
  readonly counter: number
  readonly lamport: number
  readonly value: Item
}

export class LwwRegister {
  /** The one shown. */
  #shown: Entry | undefined
  /** Concurrent ones, in no order. */
  #others: Array<Entry> | undefined

  get shown(): Entry | undefined {
    return this.#shown
  }

  /** Everything that a write replaces. */
  get entries(): ReadonlyArray<Entry> {
    if (this.#shown === undefined) return []
    return this.#others === undefined ? [this.#shown] : [this.#shown, ...this.#others]
  }

  add(entry: Entry, authors: Authors): void {
    const shown = this.#shown
    if (shown === undefined) {
      this.#shown = entry
      return
    }
    const wins = isAbove(entry, shown, authors)
    if (wins) this.#shown = entry
    this.#others ??= []
    this.#others.push(wins ? shown : entry)
  }

  /** The entry that was there, if it was. */
  remove(author: number, counter: number, authors: Authors): Entry | undefined {
    const shown = this.#shown
    if (shown !== undefined && shown.author === author && shown.counter === counter) {
      this.#shown = this.#takeLargest(authors)
      return shown
    }
    const at = this.#others?.findIndex((entry) => entry.author === author && entry.counter === counter) ?? -1
    return at < 0 ? undefined : this.#take(at)
  }

  #takeLargest(authors: Authors): Entry | undefined {
    if (this.#others === undefined) return undefined
    let largest = 0
    this.#others.forEach((entry, at, all) => {
      if (isAbove(entry, all[largest]!, authors)) largest = at
    })
    return this.#take(largest)
  }

  #take(at: number): Entry | undefined {
    const others = this.#others!
    const taken = others[at]
    const last = others.pop()!
    if (at < others.length) others[at] = last
    if (others.length === 0) this.#others = undefined
    return taken
  }
}

const isAbove = (a: Entry, b: Entry, authors: Authors): boolean =>
  a.lamport !== b.lamport ? a.lamport > b.lamport : authors.precedes(b.author, b.counter, a.author, a.counter)
