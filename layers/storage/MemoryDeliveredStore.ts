/** Delivered ids that last as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { bytesOfKey, compareBytes, keyOf } from "#schemas/bytes/bytes"
import { type DeliveredId, DeliveredStore } from "#services/storage/DeliveredStore"

/** What a DeliveredStore holds. */
export class SavedIds {
  readonly #until = new Map<string, number>()

  keep(ids: ReadonlyArray<DeliveredId>, before: number): void {
    for (const [id, until] of this.#until) if (until <= before) this.#until.delete(id)
    for (const { id, until } of ids) this.#until.set(keyOf(id), until)
  }

  last(after: number, limit: number): ReadonlyArray<DeliveredId> {
    return [...this.#until]
      .filter(([, until]) => until > after)
      .map(([id, until]) => ({ id: bytesOfKey(id), until }))
      .sort((a, b) => a.until - b.until || compareBytes(a.id, b.id))
      .slice(-limit)
  }
}

/** `saved` holds what an earlier run has left. */
export const make = (saved: SavedIds = new SavedIds()) =>
  DeliveredStore.of({
    add: (ids, before) => Effect.sync(() => saved.keep(ids, before)),
    load: (after, limit) => Effect.sync(() => saved.last(after, limit))
  })

export const layer: Layer.Layer<DeliveredStore> = Layer.sync(DeliveredStore, () => make())
