/**
 * Shared documents on recorded editing (test/data): one author's 259,778 letters typed and deleted, one commit each, and a
 * session of two. One JSON line a figure; bench/crdt/adapter.ts is for the harness that also has the peers.
 *
 *   crdt-local     every edit in a transaction of its own, nobody listening
 *   crdt-batches   the same with a batch made of each; .bytes all of them
 *   crdt-merge     another replica applies them one by one and reads the text
 *   crdt-snapshot  .write, .load (to the readable text), .bytes; .heap of the loaded document
 *   crdt-history   every batch in one piece: .write, .read, .bytes
 *   crdt-session   two replicas, each at the version that its edits were made at
 */
import { readFileSync } from "node:fs"
import { performance } from "node:perf_hooks"
import { gunzipSync } from "node:zlib"
import { Result } from "effect"
import { Document } from "#core/crdt/Document"
import { readHistory, writeHistory } from "#core/crdt/history"
import type { OpBatchFields } from "#schemas/crdt/OpBatch"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { emit, settledMemory } from "./lib.ts"

const REPS = 7

type Patch = readonly [position: number, deleted: number, inserted: string]
interface Transaction {
  readonly patches: ReadonlyArray<Patch>
  readonly parents: ReadonlyArray<number>
  readonly agent: number
}
interface Trace {
  readonly endContent: string
  readonly txns: ReadonlyArray<Transaction>
}

const read = (name: string): Trace =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../test/data/${name}.json.gz`, import.meta.url))).toString()) as Trace

const authors = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte) as PublicKey)

const edit = (doc: Document, patches: ReadonlyArray<Patch>): void => {
  const text = doc.text("t")
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== "") text.insert(position, inserted)
  }
}

const check = (doc: Document, { endContent }: Trace): void => {
  if (doc.text("t").toString() !== endContent) throw new Error("another text than was typed")
}

/** Milliseconds of each repetition, and what the last one made. */
const timed = <T>(work: () => T): { readonly ms: Array<number>; readonly made: T } => {
  const ms: Array<number> = []
  let made: T | undefined
  for (let rep = 0; rep < REPS; rep++) {
    const start = performance.now()
    made = work()
    ms.push(performance.now() - start)
  }
  return { ms, made: made as T }
}

const paper = read("automerge-paper")
const patches = paper.txns.flatMap((transaction) => transaction.patches)

const local = timed(() => {
  const doc = new Document(authors[0]!)
  edit(doc, patches)
  check(doc, paper)
  return doc
})
emit("crdt-local", "ms", local.ms, { edits: patches.length })

const made = timed(() => {
  const doc = new Document(authors[0]!)
  const batches: Array<OpBatchFields> = []
  doc.onBatch((batch) => batches.push(batch))
  edit(doc, patches)
  return batches
})
const batches = made.made
emit("crdt-batches", "ms", made.ms)
emit("crdt-batches.bytes", "B", [batches.reduce((sum, { operations }) => sum + operations.length, 0)])

const merge = timed(() => {
  const doc = new Document(authors[1]!)
  for (const batch of batches) Result.getOrThrow(doc.apply(batch))
  check(doc, paper)
})
emit("crdt-merge", "ms", merge.ms)

const written = timed(() => local.made.snapshot())
const snapshot = written.made
emit("crdt-snapshot.write", "ms", written.ms)
const load = timed(() => {
  const doc = Result.getOrThrow(Document.load(snapshot, authors[2]!))
  check(doc, paper)
})
emit("crdt-snapshot.load", "ms", load.ms)
emit("crdt-snapshot.bytes", "B", [snapshot.length])

const history = timed(() => Result.getOrThrow(writeHistory(batches)))
emit("crdt-history.write", "ms", history.ms)
emit("crdt-history.read", "ms", timed(() => Result.getOrThrow(readHistory(history.made))).ms)
emit("crdt-history.bytes", "B", [history.made.length])

const session = read("friendsforever")
const exchanged = timed(() => {
  const docs = authors.slice(0, 2).map((author) => new Document(author))
  const seen = docs.map(() => new Set<number>())
  const done: Array<ReadonlyArray<OpBatchFields>> = []
  for (const [at, { agent, parents, patches }] of session.txns.entries()) {
    const missing: Array<number> = []
    const open = [...parents]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen[agent]!.has(next)) continue
      seen[agent]!.add(next)
      missing.push(next)
      open.push(...session.txns[next]!.parents)
    }
    missing.sort((a, b) => a - b)
    for (const next of missing) for (const batch of done[next]!) Result.getOrThrow(docs[agent]!.apply(batch))
    done.push(docs[agent]!.transact(() => edit(docs[agent]!, patches)))
    seen[agent]!.add(at)
  }
  return done.flat()
})
emit("crdt-session", "ms", exchanged.ms)
emit("crdt-session.bytes", "B", [exchanged.made.reduce((sum, { operations }) => sum + operations.length, 0)])
emit("crdt-session.history.bytes", "B", [Result.getOrThrow(writeHistory(exchanged.made)).length])

const before = await settledMemory()
const held = Result.getOrThrow(Document.load(snapshot, authors[2]!))
check(held, paper)
const after = await settledMemory()
emit("crdt-snapshot.heap", "MiB", [(after.heapUsed - before.heapUsed) / 2 ** 20], {
  array_buffers_mib: (after.arrayBuffers - before.arrayBuffers) / 2 ** 20
})
held.toJSON()
