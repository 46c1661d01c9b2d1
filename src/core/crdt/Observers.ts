/** Who wants to hear what changes in which container, once a transaction or batch is over. */
import type { Container } from "./Container.ts"
import type { State } from "./State.ts"

/** All that one transaction or batch did to a container: changes that hold one after the other. */
export interface Observed<Change> {
  readonly changes: ReadonlyArray<Change>
  /** Whether this replica did it. */
  readonly isLocal: boolean
}

export type Observer<Change> = (observed: Observed<Change>) => void

export class Observers {
  readonly #state: State
  readonly #of = new Map<Container, Set<Observer<never>>>()

  constructor(state: State) {
    this.#state = state
  }

  /** Answers how to stop. */
  add<Change>(container: Container, observer: Observer<Change>): () => void {
    let observers = this.#of.get(container)
    if (observers === undefined) this.#of.set(container, (observers = new Set()))
    observers.add(observer)
    container.isWatched = true
    return () => {
      observers.delete(observer)
      if (observers.size > 0 || this.#of.get(container) !== observers) return
      this.#of.delete(container)
      container.isWatched = false
      container.takeChanges()
    }
  }

  tell(isLocal: boolean): void {
    if (this.#state.changed.size === 0) return
    const changed = [...this.#state.changed]
    this.#state.changed.clear()
    for (const container of changed) {
      const changes = container.takeChanges() as ReadonlyArray<never>
      if (changes.length === 0) continue
      for (const observer of [...(this.#of.get(container) ?? [])]) observer({ changes, isLocal })
    }
  }
}
