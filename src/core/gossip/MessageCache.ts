/**
 * The messages of the last heartbeats, for neighbours that were told of them and ask for one (IHAVE, IWANT). Bounded in
 * number and in bytes; the oldest go first. Owned by one layer.
 */

/** Heartbeats for which a message can be had, and for which it is told of: whoever hears late still gets it. */
const HISTORY = 5
const TOLD = 3

interface Kept {
  readonly id: string
  readonly topic: string
  readonly bytes: Uint8Array
  /** The heartbeat in which it came. */
  readonly beat: number
}

export class MessageCache {
  readonly #limits: { readonly messages: number; readonly bytes: number }
  /** In the order in which they came. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0
  #beat = 0

  constructor(limits: { readonly messages: number; readonly bytes: number }) {
    this.#limits = limits
  }

  get size(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** `bytes` are kept as they are: a view would keep all of the row that it came in. */
  put(id: string, topic: string, bytes: Uint8Array): void {
    if (this.#kept.has(id) || bytes.length > this.#limits.bytes) return
    for (const oldest of this.#kept.values()) {
      if (this.size < this.#limits.messages && this.#bytes + bytes.length <= this.#limits.bytes) break
      this.#drop(oldest)
    }
    this.#kept.set(id, { id, topic, bytes, beat: this.#beat })
    this.#bytes += bytes.length
  }

  get(id: string): Uint8Array | undefined {
    return this.#kept.get(id)?.bytes
  }

  /** The ids to tell of, by topic, the oldest first. */
  recent(): ReadonlyMap<string, ReadonlyArray<string>> {
    const byTopic = new Map<string, Array<string>>()
    for (const { beat, id, topic } of this.#kept.values()) {
      if (beat <= this.#beat - TOLD) continue
      const ids = byTopic.get(topic)
      if (ids === undefined) byTopic.set(topic, [id])
      else ids.push(id)
    }
    return byTopic
  }

  /** A heartbeat goes by. */
  shift(): void {
    this.#beat++
    for (const kept of this.#kept.values()) {
      if (kept.beat > this.#beat - HISTORY) return
      this.#drop(kept)
    }
  }

  #drop({ bytes, id }: Kept): void {
    this.#kept.delete(id)
    this.#bytes -= bytes.length
  }
}
