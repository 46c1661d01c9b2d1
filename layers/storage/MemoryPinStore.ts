/** Pins that last as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { compareBytes, keyOf } from "#schemas/bytes/bytes"
import { type Pin, PinStore } from "#services/storage/PinStore"

type Name = Pick<Pin, "kind" | "key">

const nameOf = ({ kind, key }: Name): string => String.fromCharCode(kind) + keyOf(key)

const byName = (a: Name, b: Name): number => a.kind - b.kind || compareBytes(a.key, b.key)

const byUrgency = (a: Pin, b: Pin): number => b.priority - a.priority || a.due - b.due || byName(a, b)

/** What a PinStore holds, as plain functions. */
export class SavedPins {
  readonly #held = new Map<string, Pin>()

  keep(pins: ReadonlyArray<Pin>): void {
    for (const pin of pins) this.#held.set(nameOf(pin), { ...pin, key: pin.key.slice() })
  }

  find(kind: number, key: Uint8Array): Pin | undefined {
    return this.#held.get(nameOf({ kind, key }))
  }

  remove(kind: number, key: Uint8Array): void {
    this.#held.delete(nameOf({ kind, key }))
  }

  due(now: number, limit: number): ReadonlyArray<Pin> {
    return [...this.#held.values()]
      .filter((pin) => pin.due <= now)
      .sort(byUrgency)
      .slice(0, limit)
  }

  list(after: Name | undefined, limit: number): ReadonlyArray<Pin> {
    return [...this.#held.values()]
      .filter((pin) => after === undefined || byName(pin, after) > 0)
      .sort(byName)
      .slice(0, limit)
  }

  count(): number {
    return this.#held.size
  }
}

export const make = (saved: SavedPins = new SavedPins()) =>
  PinStore.of({
    put: (pins) => Effect.sync(() => saved.keep(pins)),
    find: (kind, key) => Effect.sync(() => saved.find(kind, key)),
    remove: (kind, key) => Effect.sync(() => saved.remove(kind, key)),
    due: (now, limit) => Effect.sync(() => saved.due(now, limit)),
    list: (after, limit) => Effect.sync(() => saved.list(after, limit)),
    count: Effect.sync(() => saved.count())
  })

export const layer: Layer.Layer<PinStore> = Layer.sync(PinStore, () => make())
