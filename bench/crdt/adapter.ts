/**
 * Our documents in the shape of the CRDT harness that the peers were measured with (its README says what each metric
 * is). An update is a batch behind its outer fields, the author as a small number, as the peers' are; signatures and
 * sealing belong to the records around batches. What is encoded is the snapshot: text without what was removed from it.
 *
 *   NODE_OPTIONS=--conditions=allium-source node run.mjs --adapter=…/bench/crdt/adapter.ts
 */
import { Result } from "effect"
import { Document } from "#core/crdt/Document"
import { ByteReader } from "#schemas/crdt/ByteReader"
import { ByteWriter } from "#schemas/crdt/ByteWriter"
import type { OpBatchFields } from "#schemas/crdt/OpBatch"
import type { PublicKey } from "#schemas/identity/PublicKey"

export const name = "allium"
export const version = "0.1.0"
/** A state is for those who have nothing yet; what others wrote comes in batches. */
export const caps = { text: true, map: true, mergeState: false }

type Patch = readonly [position: number, deleted: number, inserted: string]

interface Options {
  readonly id: number
  readonly kind: "text" | "map"
  readonly capture?: boolean
  readonly base?: Uint8Array | null
}

const keys = new Map<number, PublicKey>()

const keyOf = (id: number): PublicKey => {
  let key = keys.get(id)
  if (key === undefined) {
    key = new Uint8Array(32).fill(id & 0xff) as PublicKey
    new DataView(key.buffer).setUint32(0, Math.imul(id, 0x9e3779b1) >>> 0)
    new DataView(key.buffer).setUint32(4, id)
    keys.set(id, key)
  }
  return key
}

const out = new ByteWriter()
const reader = new ByteReader()

export const writeUpdate = (id: number, { seq, lamport, operations }: OpBatchFields): Uint8Array => {
  out.length = 0
  out.uint(id)
  out.uint(seq)
  out.uint(lamport)
  out.raw(operations)
  return out.taken()
}

export class H {
  readonly #id: number
  readonly #kind: "text" | "map"
  readonly #doc: Document
  readonly #text
  readonly #map
  #last: OpBatchFields | undefined

  constructor({ id, kind, capture = false, base = null }: Options) {
    this.#id = id
    this.#kind = kind
    const author = keyOf(id)
    this.#doc = base === null ? new Document(author) : Result.getOrThrow(Document.load(base, author))
    this.#text = this.#doc.text("t")
    this.#map = this.#doc.map("m")
    if (capture) {
      this.#doc.onBatch((batch) => {
        this.#last = batch
      })
    }
  }

  static load(bytes: Uint8Array, { id, kind }: Options): H {
    return new H({ id, kind, base: bytes })
  }

  edit(patches: ReadonlyArray<Patch>): void {
    const [first] = patches
    if (patches.length === 1 && (first![1] === 0 || first![2] === "")) this.#patch(patches)
    else this.editAll(patches)
  }

  editAll(patches: ReadonlyArray<Patch>): void {
    this.#doc.transact(() => this.#patch(patches))
  }

  set(key: string, value: string | number): void {
    this.#map.set(key, value)
  }

  setAll(entries: ReadonlyArray<readonly [string, string | number]>): void {
    this.#doc.transact(() => {
      for (const [key, value] of entries) this.#map.set(key, value)
    })
  }

  take(): Uint8Array {
    return writeUpdate(this.#id, this.#last!)
  }

  apply(update: Uint8Array): void {
    reader.reset(update)
    const author = keyOf(reader.uint())
    const seq = reader.uint()
    const lamport = reader.uint()
    const applied = this.#doc.apply({ author, seq, lamport, operations: update.subarray(reader.at) })
    if (Result.isFailure(applied)) throw new Error(applied.failure.word)
  }

  encode(): Uint8Array {
    return this.#doc.snapshot()
  }

  value(): unknown {
    return this.#kind === "text" ? this.#text.toString() : this.#map.toJSON()
  }

  extraSizes(): Record<string, number> {
    return {}
  }

  free(): void {}

  #patch(patches: ReadonlyArray<Patch>): void {
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) this.#text.delete(position, deleted)
      if (inserted !== "") this.#text.insert(position, inserted)
    }
  }
}

/** One stays open, as in an app: without it V8 throws away what it optimised here at every collection between two runs. */
export const kept = [
  new H({ id: 0, kind: "text", capture: true }),
  H.load(new H({ id: 0, kind: "map" }).encode(), { id: 0, kind: "map" })
]
kept[0]!.edit([[0, 0, "a"]])
kept[0]!.take()
