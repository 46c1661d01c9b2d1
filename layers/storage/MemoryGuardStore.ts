/** Guards that last as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { GuardStore, type StoredGuard } from "#services/storage/GuardStore"

const MOST_GUARDS = 32

/** What a GuardStore holds between a save and the next. */
export class SavedGuards {
  #held: ReadonlyArray<StoredGuard> = []

  keep(guards: ReadonlyArray<StoredGuard>): void {
    this.#held = guards
      .slice(0, MOST_GUARDS)
      .map((guard) => ({ ...guard, nodeId: guard.nodeId.slice(), record: guard.record.slice() }))
  }

  all(): ReadonlyArray<StoredGuard> {
    return this.#held
  }
}

/** `saved` holds what an earlier run has left. */
export const make = (saved: SavedGuards = new SavedGuards()) =>
  GuardStore.of({
    save: (guards) => Effect.sync(() => saved.keep(guards)),
    load: Effect.sync(() => saved.all())
  })

export const layer: Layer.Layer<GuardStore> = Layer.sync(GuardStore, () => make())
