/**
 * A text that several people write at once, each at a terminal of his own: every line goes to the end of it, and everybody
 * sees the text after every change. The first makes the document and prints what the others need.
 *
 *     node --conditions=allium-source examples/collab-text.ts
 *     node --conditions=allium-source examples/collab-text.ts CHANNEL ADDRESS      at the other terminals
 */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Documents, defaultSettings, Node, type OpenDocument, Production } from "allium"
import { Console, Effect, Schedule, Stream } from "effect"

export const textOf = (document: OpenDocument) => document.document().text("text").toString()

/** Shows the text after every change, whoever made it, as long as the document is open. */
const show = (document: OpenDocument) =>
  Stream.runForEach(document.changes, ({ isLocal }) =>
    Console.log(`${isLocal ? "you" : "somebody"} wrote, and the text is now\n${textOf(document)}`)
  )

/** Until a peer has told how the document began it can only be read: then the line waits. */
export const write = (document: OpenDocument, line: string) =>
  document
    .edit((it) => it.text("text").insert(it.text("text").length, line))
    .pipe(Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 100 }))

/** A node of this machine, which knows another one by its address. */
const nodeKnowing = (addresses: ReadonlyArray<string>) =>
  Production.layer({
    ...defaultSettings,
    dataFolder: mkdtempSync(join(tmpdir(), "collab-text-")),
    local: true,
    listen: ["/ip4/127.0.0.1/tcp/0"],
    bootstrap: addresses
  })

const createNew = Effect.gen(function* () {
  const [documents, node] = [yield* Documents, yield* Node]
  const { channel } = yield* documents.create()
  const { listening } = yield* node.status
  yield* Console.log(`At the others: collab-text.ts ${Buffer.from(channel).toString("hex")} ${listening[0]}`)
  return channel
})

const program = (known?: string) =>
  Effect.gen(function* () {
    const channel = known === undefined ? yield* createNew : Buffer.from(known, "hex")
    const document = yield* (yield* Documents).open(channel)
    yield* Effect.forkScoped(show(document))
    const lines = Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (cause) => cause)
    yield* Stream.runForEach(lines, (line) => write(document, `${line}\n`))
  }).pipe(Effect.scoped)

if (import.meta.main) {
  const [channel, ...addresses] = process.argv.slice(2)
  await Effect.runPromise(Effect.provide(program(channel), nodeKnowing(addresses)))
}
