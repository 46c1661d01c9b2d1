/** Recorded editing, replayed to the letter. test/data/README.md says where it comes from. */
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Document } from "#core/crdt/Document"
import { equalBytes } from "#schemas/bytes/bytes"
import type { OpBatchFields } from "#schemas/crdt/OpBatch"
import { authorOf, deliver } from "./histories.ts"

type Patch = readonly [position: number, deleted: number, inserted: string]
interface Transaction {
  readonly patches: ReadonlyArray<Patch>
  readonly parents: ReadonlyArray<number>
  readonly agent: number
}
interface Trace {
  readonly endContent: string
  readonly numAgents: number
  readonly txns: ReadonlyArray<Transaction>
}

const read = (name: string): Trace =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../../data/${name}.json.gz`, import.meta.url))).toString()) as Trace

const play = (doc: Document, patches: ReadonlyArray<Patch>): ReadonlyArray<OpBatchFields> =>
  doc.transact(() => {
    const text = doc.text("t")
    for (const [position, deleted, inserted] of patches) {
      text.delete(position, deleted)
      text.insert(position, inserted)
    }
  })

/** Each author's batches as far as they go, then the other's. */
const inTurns = (doc: Document, queues: ReadonlyArray<ReadonlyArray<OpBatchFields>>): void => {
  const done = queues.map(() => 0)
  while (queues.some((queue, at) => done[at]! < queue.length)) {
    queues.forEach((queue, at) => {
      while (done[at]! < queue.length && Result.isSuccess(doc.apply(queue[done[at]!]!))) done[at]!++
    })
  }
}

describe("recorded editing", () => {
  it("ends at the text of the paper, here and with those who get every batch, and after loading", () => {
    const trace = read("automerge-paper")
    const writer = new Document(authorOf(0))
    const reader = new Document(authorOf(1))
    for (let at = 0; at < trace.txns.length; at += 10) {
      const patches = trace.txns.slice(at, at + 10).flatMap((transaction) => transaction.patches)
      for (const batch of play(writer, patches)) Result.getOrThrow(reader.apply(batch))
    }
    assert.strictEqual(writer.text("t").toString(), trace.endContent)
    assert.strictEqual(reader.text("t").toString(), trace.endContent)
    const snapshot = writer.snapshot()
    assert.isTrue(equalBytes(reader.snapshot(), snapshot))
    const loaded = Result.getOrThrow(Document.load(snapshot, authorOf(2)))
    assert.strictEqual(loaded.text("t").toString(), trace.endContent)
    assert.strictEqual(loaded.text("t").slice(0), trace.endContent)
    assert.isTrue(equalBytes(loaded.snapshot(), snapshot))
  })

  it("ends at the text of two friends, each of whom saw what they saw", () => {
    const trace = read("friendsforever")
    const docs = Array.from({ length: trace.numAgents }, (_, agent) => new Document(authorOf(agent)))
    const seen = docs.map(() => new Set<number>())
    const batches: Array<ReadonlyArray<OpBatchFields>> = []
    for (const [at, { agent, parents, patches }] of trace.txns.entries()) {
      const missing: Array<number> = []
      const open = [...parents]
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (seen[agent]!.has(next)) continue
        seen[agent]!.add(next)
        missing.push(next)
        open.push(...trace.txns[next]!.parents)
      }
      for (const next of missing.sort((a, b) => a - b)) deliver(docs[agent]!, batches[next]!)
      batches.push(play(docs[agent]!, patches))
      seen[agent]!.add(at)
    }
    const reader = new Document(authorOf(5))
    inTurns(
      reader,
      docs.map((_, agent) => batches.flatMap((made, at) => (trace.txns[at]!.agent === agent ? made : [])))
    )
    for (const doc of docs) deliver(doc, batches.flat())
    for (const doc of [...docs, reader]) {
      assert.strictEqual(doc.text("t").toString(), trace.endContent)
      assert.isTrue(equalBytes(doc.snapshot(), reader.snapshot()))
    }
  })
})
