/** Histories of documents that several edit at once, out of plain numbers, for properties and for long runs. */
import { Result } from "effect"
import { Document } from "#core/crdt/Document"
import type { SharedList, SharedMap, SharedText, Value } from "#core/crdt/Handles"
import { SharedList as ListHandle } from "#core/crdt/SharedList"
import { SharedMap as MapHandle } from "#core/crdt/SharedMap"
import { SharedText as TextHandle } from "#core/crdt/SharedText"
import type { OpBatchFields } from "#schemas/crdt/OpBatch"
import type { PublicKey } from "#schemas/identity/PublicKey"

export interface Step {
  readonly replica: number
  readonly action: number
  readonly at: number
  readonly count: number
  readonly more: number
}

/** Keys whose order is not that of the replicas. */
export const authorOf = (replica: number): PublicKey => {
  const key = new Uint8Array(32).fill(replica + 1)
  key[0] = (replica * 89 + 7) & 0xff
  return key as PublicKey
}

/** A small generator (mulberry32) for everything that a seed decides. */
export const chance = (seed: number) => {
  let state = seed >>> 0
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const WORDS = ["a", "bc", "déf", "👍", "x👩‍🚀y", "ghijk", "é👍👍", " "]
const KEYS = ["a", "b", "", "schlüssel", "__proto__", "b👍", "b👎"]

/** Every container of a kind that a replica can see, in a fixed order. */
const visible = (doc: Document) => {
  const texts: Array<SharedText> = [doc.text("t")]
  const lists: Array<SharedList> = [doc.list("l")]
  const maps: Array<SharedMap> = [doc.map("m")]
  const look = (value: Value | undefined): void => {
    if (value instanceof TextHandle) texts.push(value)
    else if (value instanceof ListHandle) {
      lists.push(value)
      value.toArray().forEach(look)
    } else if (value instanceof MapHandle) {
      maps.push(value)
      for (const key of value.keys()) look(value.get(key))
    }
  }
  doc.list("l").toArray().forEach(look)
  for (const key of doc.map("m").keys()) look(doc.map("m").get(key))
  return { texts, lists, maps }
}

const pick = <T>(of: ReadonlyArray<T>, at: number): T => of[at % of.length]!

export const edit = (doc: Document, { action, at, count, more }: Step): unknown => {
  const { texts, lists, maps } = visible(doc)
  const text = pick(texts, more)
  const list = pick(lists, more)
  const map = pick(maps, more)
  const key = pick(KEYS, at)
  switch (action) {
    case 0:
    case 1:
    case 2:
      return text.insert(at % (text.length + 1), pick(WORDS, count))
    case 3: {
      const start = at % (text.length + 1)
      return text.delete(start, Math.min(count, text.length - start))
    }
    case 4:
      // As somebody types: forwards, and from the end backwards.
      for (let next = 0; next <= count % 4; next++)
        text.insert(more % 2 === 0 ? Math.min(next, text.length) : 0, `${next}`)
      return
    case 5:
      return list.insert(at % (list.length + 1), ...Array.from({ length: 1 + (count % 3) }, (_, n) => more + n))
    case 6:
      return list.insert(at % (list.length + 1), pick([{ a: [1] }, [null, "s"], true, [], Uint8Array.of(1)], count))
    case 7: {
      const start = at % (list.length + 1)
      return list.delete(start, Math.min(count, list.length - start))
    }
    case 8:
    case 9:
      return map.set(key, pick([more, "v", -0, 1.5, null, false, 2 ** 52, Number.NaN, "v👍", "v👎", `v${more}`], count))
    case 10:
      return map.set(key, pick([{ x: 1, y: { z: [] } }, [], [[]]], count))
    case 11:
      map.setText(key).insert(0, pick(WORDS, count))
      return
    case 12:
      return map.delete(key)
    case 13:
      return doc.register("r").set(count)
    default:
      return doc.transact(() => {
        for (let next = 0; next < 1 + (count % 4); next++) {
          edit(doc, { replica: 0, action: (more + next) % 14, at: at + next, count, more: more + 1 })
        }
      })
  }
}

/** Actions from 15 on bring everything that one replica has to another. */
export const ACTIONS = 18

/** What the replicas hold, each batch once, and a snapshot of one of them halfway. */
export const replay = (replicas: number, steps: ReadonlyArray<Step>) => {
  const docs = Array.from({ length: replicas }, (_, replica) => new Document(authorOf(replica)))
  const logs: Array<Array<OpBatchFields>> = docs.map(() => [])
  docs.forEach((doc, replica) => {
    doc.onBatch((batch) => logs[replica]!.push(batch))
  })
  let midway = docs[0]!.snapshot()
  for (const [at, step] of steps.entries()) {
    const replica = step.replica % replicas
    if (at === steps.length >> 1) midway = docs[replica]!.snapshot()
    if (step.action < 15) edit(docs[replica]!, step)
    else bring(logs, step.at % replicas, replica, docs[replica]!)
  }
  return { docs, batches: distinct(logs.flat()), midway }
}

/** Each log has what its replica knows, in the order in which it learned it. */
const bring = (logs: Array<Array<OpBatchFields>>, from: number, to: number, doc: Document): void => {
  if (from === to) return
  for (const batch of [...logs[from]!]) {
    const applied = doc.apply(batch)
    if (Result.isFailure(applied)) throw new Error(applied.failure.word)
    if (applied.success === "applied") logs[to]!.push(batch)
  }
}

/** Each batch once. */
export const distinct = (batches: ReadonlyArray<OpBatchFields>): Array<OpBatchFields> => {
  const seen = new Map(batches.map((batch) => [`${batch.author.join()} ${batch.seq}`, batch]))
  return [...seen.values()]
}

export const shuffled = <T>(items: ReadonlyArray<T>, random: (below: number) => number): Array<T> => {
  const all = [...items]
  for (let at = all.length - 1; at > 0; at--) {
    const other = random(at + 1)
    ;[all[at], all[other]] = [all[other]!, all[at]!]
  }
  return all
}

/** Offers batches in this order, again and again, until all are taken. */
export const deliver = (doc: Document, batches: ReadonlyArray<OpBatchFields>): void => {
  for (let waiting = batches; waiting.length > 0; ) {
    const missing = waiting.filter((batch) => {
      const applied = doc.apply(batch)
      if (Result.isSuccess(applied)) return false
      if (applied.failure.reason === "malformed") throw new Error(applied.failure.word)
      return true
    })
    if (missing.length === waiting.length) throw new Error("nothing more can be applied")
    waiting = missing
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

/**
 * Plays a history, delivers all of it to everybody and to newcomers in orders by lot, twice to some and to one only after
 * it was loaded from a snapshot taken midway, and says what differs.
 */
export const whatDiffers = (
  replicas: number,
  steps: ReadonlyArray<Step>,
  random: (below: number) => number
): string | undefined => {
  const { docs, batches, midway } = replay(replicas, steps)
  for (const doc of docs) deliver(doc, shuffled(batches, random))
  const twice = new Document(authorOf(replicas + 1))
  deliver(twice, shuffled([...batches, ...batches], random))
  const loaded = Result.getOrThrow(Document.load(midway, authorOf(replicas + 2)))
  deliver(loaded, shuffled(batches, random))
  const all = [...docs, twice, loaded]
  const json = JSON.stringify(docs[0]!.toJSON())
  const snapshot = docs[0]!.snapshot()
  const heads = JSON.stringify(docs[0]!.heads())
  for (const [at, doc] of all.entries()) {
    if (JSON.stringify(doc.toJSON()) !== json) return `content of ${at}`
    if (JSON.stringify(doc.heads()) !== heads) return `heads of ${at}`
    if (!sameBytes(doc.snapshot(), snapshot)) return `snapshot of ${at}`
  }
  const again = Result.getOrThrow(Document.load(snapshot, authorOf(replicas + 3)))
  if (JSON.stringify(again.toJSON()) !== json) return "content after loading"
  return sameBytes(again.snapshot(), snapshot) ? undefined : "snapshot after loading"
}
