/** An outbox that lasts as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { coalesce } from "#core/dht/coalesce"
import { compareBytes, keyOf } from "#schemas/bytes/bytes"
import {
  OUTBOX_BYTES,
  type OutboxStatus,
  OutboxStore,
  type QueuedWrite,
  type RefusedWrite,
  SET_ASIDE,
  type WaitingWrite,
  WRITE_BYTES
} from "#services/storage/OutboxStore"
import { StoreFull } from "#services/storage/RecordStore"

const nameOf = ({ key, kind, member }: Pick<QueuedWrite, "kind" | "key" | "member">): string =>
  String.fromCharCode(kind) + keyOf(key) + keyOf(member)

const sizeOf = ({ bytes }: QueuedWrite): number => bytes.length + WRITE_BYTES

/** What an OutboxStore holds, as plain functions. */
export class SavedWrites {
  /** In the order of their places. */
  readonly #waiting = new Map<string, WaitingWrite>()
  /** The latest last. */
  readonly #refused: Array<RefusedWrite> = []
  readonly #limit: number
  #bytes = 0
  #last = 0

  constructor(limit = OUTBOX_BYTES) {
    this.#limit = limit
  }

  /** False where it does not fit. */
  add(write: QueuedWrite): boolean {
    const name = nameOf(write)
    const before = this.#waiting.get(name)
    const becomes = before === undefined ? "GivesWay" : coalesce(before, write)
    if (becomes === "Stays") return true
    if (before !== undefined && becomes === "LivesLonger") {
      this.#waiting.set(name, { ...before, ...longest(before, write) })
      return true
    }
    const bytes = this.#bytes - (before === undefined ? 0 : sizeOf(before)) + sizeOf(write)
    if (bytes > this.#limit) return false
    this.#waiting.delete(name)
    const { key, member } = write
    const copy = { key: key.slice(), member: member.slice(), bytes: write.bytes.slice() }
    this.#waiting.set(name, { ...write, ...copy, place: ++this.#last })
    this.#bytes = bytes
    return true
  }

  next(after: number, limit: number): ReadonlyArray<WaitingWrite> {
    return [...this.#waiting.values()].filter(({ place }) => place > after).slice(0, limit)
  }

  find(kind: number, key: Uint8Array): ReadonlyArray<WaitingWrite> {
    return [...this.#waiting.values()]
      .filter((it) => it.kind === kind && compareBytes(it.key, key) === 0)
      .sort((a, b) => compareBytes(a.member, b.member))
  }

  remove({ expires, place }: Pick<WaitingWrite, "place" | "expires">): void {
    for (const [name, it] of this.#waiting) {
      if (it.place !== place || it.expires !== expires) continue
      this.#waiting.delete(name)
      this.#bytes -= sizeOf(it)
      return
    }
  }

  setAside({ key, kind, place, queued }: WaitingWrite, reason: string): void {
    for (const [name, it] of this.#waiting) {
      if (it.place !== place) continue
      this.#waiting.delete(name)
      this.#bytes -= sizeOf(it)
      this.#refused.push({ kind, key: key.slice(), reason, queued })
      if (this.#refused.length > SET_ASIDE) this.#refused.shift()
      return
    }
  }

  refused(): ReadonlyArray<RefusedWrite> {
    return this.#refused.toReversed()
  }

  status(): OutboxStatus {
    const writes = [...this.#waiting.values()]
    const oldest = writes.length === 0 ? undefined : Math.min(...writes.map(({ queued }) => queued))
    return { waiting: writes.length, bytes: this.#bytes, oldest, refused: this.#refused.length }
  }

  get full(): StoreFull {
    return new StoreFull({ usedBytes: this.#bytes, quotaBytes: this.#limit })
  }
}

/** Of two that wait as one: what lives longest, is wanted oftenest, and is kept if either is. */
export const longest = (a: QueuedWrite, b: QueuedWrite): Pick<QueuedWrite, "expires" | "factor" | "keep"> => ({
  expires: Math.max(a.expires, b.expires),
  factor: Math.max(a.factor, b.factor),
  keep: a.keep || b.keep
})

export const make = (saved: SavedWrites = new SavedWrites()) =>
  OutboxStore.of({
    add: (write) => Effect.suspend(() => (saved.add(write) ? Effect.void : Effect.fail(saved.full))),
    next: (after, limit) => Effect.sync(() => saved.next(after, limit)),
    find: (kind, key) => Effect.sync(() => saved.find(kind, key)),
    remove: (write) => Effect.sync(() => saved.remove(write)),
    setAside: (write, reason) => Effect.sync(() => saved.setAside(write, reason)),
    refused: Effect.sync(() => saved.refused()),
    status: Effect.sync(() => saved.status())
  })

export const layerOf = (bytes: number): Layer.Layer<OutboxStore> =>
  Layer.sync(OutboxStore, () => make(new SavedWrites(bytes)))

export const layer = layerOf(OUTBOX_BYTES)
