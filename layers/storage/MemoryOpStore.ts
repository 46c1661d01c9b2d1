/** Operations that last as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { bytesOfKey, compareBytes, keyOf } from "#schemas/bytes/bytes"
import {
  OpStore,
  type StoredExtent,
  type StoredHead,
  type StoredOp,
  type StoredProof,
  type StoredSnapshot
} from "#services/storage/OpStore"

interface Log {
  genesis: Uint8Array | undefined
  readonly ops: Map<string, Map<number, StoredOp>>
  readonly ids: Map<string, number>
  readonly extents: Map<string, StoredExtent>
  readonly heads: Map<string, number>
  readonly proofs: Map<string, StoredProof>
  snapshot: StoredSnapshot | undefined
}

type Shape = OpStore["Service"]
type Arguments<Method extends keyof Shape> = Shape[Method] extends (...args: infer All) => unknown ? All : never

/** What an OpStore holds, as plain functions. */
export class SavedOps {
  readonly #logs = new Map<string, Log>()

  #log(channel: Uint8Array): Log {
    const key = keyOf(channel)
    let log = this.#logs.get(key)
    if (log === undefined) {
      log = {
        genesis: undefined,
        ops: new Map(),
        ids: new Map(),
        extents: new Map(),
        heads: new Map(),
        proofs: new Map(),
        snapshot: undefined
      }
      this.#logs.set(key, log)
    }
    return log
  }

  keepGenesis(...[channel, genesis]: Arguments<"keepGenesis">): void {
    this.#log(channel).genesis = genesis.slice()
  }

  genesis(channel: Uint8Array): Uint8Array | undefined {
    return this.#logs.get(keyOf(channel))?.genesis
  }

  append(...[channel, ops]: Arguments<"append">): void {
    const log = this.#log(channel)
    for (const op of ops) {
      const author = keyOf(op.author)
      const extent = log.extents.get(author)
      if (op.seq <= (extent?.seq ?? 0)) continue
      const copy = { ...op, author: op.author.slice(), id: op.id.slice(), bytes: op.bytes.slice() }
      if (!log.ops.has(author)) log.ops.set(author, new Map())
      log.ops.get(author)!.set(op.seq, copy)
      log.ids.set(keyOf(op.id), op.lamport)
      const { lamport, seq } = op
      log.extents.set(author, { author: copy.author, first: extent?.first ?? seq, seq, lamport, last: copy.id })
      for (const parent of op.parents) log.heads.delete(keyOf(parent))
      log.heads.set(keyOf(op.id), lamport)
    }
  }

  extents(channel: Uint8Array): ReadonlyArray<StoredExtent> {
    const all = [...(this.#logs.get(keyOf(channel))?.extents.values() ?? [])]
    return all.sort((a, b) => compareBytes(a.author, b.author))
  }

  heads(channel: Uint8Array): ReadonlyArray<StoredHead> {
    const all = [...(this.#logs.get(keyOf(channel))?.heads ?? [])].map(toHead)
    return all.sort((a, b) => compareBytes(a.id, b.id))
  }

  find(...[channel, ids]: Arguments<"find">): ReadonlyArray<StoredHead> {
    const log = this.#logs.get(keyOf(channel))
    return ids.flatMap((id) => {
      const key = keyOf(id)
      const lamport = log?.ids.get(key) ?? log?.heads.get(key)
      return lamport === undefined ? [] : [{ id, lamport }]
    })
  }

  range(...[channel, author, { from, to }, limit]: Arguments<"range">): ReadonlyArray<StoredOp> {
    const row = this.#logs.get(keyOf(channel))?.ops.get(keyOf(author))
    const found: Array<StoredOp> = []
    const { first = 1, seq = 0 } = this.#logs.get(keyOf(channel))?.extents.get(keyOf(author)) ?? {}
    for (let at = Math.max(from, first); at <= Math.min(to, seq) && found.length < limit; at++)
      found.push(row!.get(at)!)
    return found
  }

  compact(...[channel, snapshot, frontier, heads]: Arguments<"compact">): void {
    const log = this.#log(channel)
    log.snapshot = { record: snapshot.record.slice(), bytes: snapshot.bytes.slice() }
    for (const { author, lamport, seq } of frontier) {
      const key = keyOf(author)
      const row = log.ops.get(key)
      for (const [at, op] of row ?? []) {
        if (at > seq) continue
        row!.delete(at)
        log.ids.delete(keyOf(op.id))
      }
      const held = log.extents.get(key)
      if (held === undefined || held.seq < seq) {
        log.extents.set(key, { author: author.slice(), first: seq + 1, seq, lamport, last: new Uint8Array(0) })
      } else log.extents.set(key, { ...held, first: Math.max(held.first, seq + 1) })
    }
    log.heads.clear()
    for (const { id, lamport } of heads) log.heads.set(keyOf(id), lamport)
  }

  snapshot(channel: Uint8Array): StoredSnapshot | undefined {
    return this.#logs.get(keyOf(channel))?.snapshot
  }

  prove(...[channel, proof, limit]: Arguments<"prove">): void {
    const { proofs } = this.#log(channel)
    const place = placeOf(proof)
    if (!proofs.has(place) && proofs.size < limit) proofs.set(place, proof)
  }

  proofs(channel: Uint8Array): ReadonlyArray<StoredProof> {
    const all = [...(this.#logs.get(keyOf(channel))?.proofs.values() ?? [])]
    return all.sort((a, b) => compareBytes(a.author, b.author) || a.seq - b.seq)
  }

  forget(channel: Uint8Array): void {
    this.#logs.delete(keyOf(channel))
  }
}

const placeOf = ({ author, seq }: StoredProof): string => `${keyOf(author)}/${seq}`

const toHead = ([key, lamport]: readonly [string, number]): StoredHead => ({ id: bytesOfKey(key), lamport })

export const make = (saved: SavedOps = new SavedOps()) =>
  OpStore.of({
    keepGenesis: (...all) => Effect.sync(() => saved.keepGenesis(...all)),
    genesis: (channel) => Effect.sync(() => saved.genesis(channel)),
    append: (...all) => Effect.sync(() => saved.append(...all)),
    extents: (channel) => Effect.sync(() => saved.extents(channel)),
    heads: (channel) => Effect.sync(() => saved.heads(channel)),
    find: (...all) => Effect.sync(() => saved.find(...all)),
    range: (...all) => Effect.sync(() => saved.range(...all)),
    compact: (...all) => Effect.sync(() => saved.compact(...all)),
    snapshot: (channel) => Effect.sync(() => saved.snapshot(channel)),
    prove: (...all) => Effect.sync(() => saved.prove(...all)),
    proofs: (channel) => Effect.sync(() => saved.proofs(channel)),
    forget: (channel) => Effect.sync(() => saved.forget(channel))
  })

export const layer: Layer.Layer<OpStore> = Layer.sync(OpStore, () => make())
