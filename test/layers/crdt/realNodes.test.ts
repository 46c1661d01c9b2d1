/** Documents of real nodes: TCP, SQLite and processes that are killed. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Documents, defaultSettings, type OpenDocument, Production, SessionManager } from "allium"
import { Context, Effect, Layer, Schedule } from "effect"
import { bytesOfHex } from "#schemas/bytes/bytes"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-documents-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const nodeIn = (dataFolder: string) =>
  Layer.build(Production.layer({ ...defaultSettings, dataFolder, local: true, listen: ["/ip4/127.0.0.1/tcp/0"] }))

const textOf = (document: OpenDocument) => document.document().text("t").toString()

const insert = (document: OpenDocument, text: string) =>
  document.edit((it) => it.text("t").insert(it.text("t").length, text))

/** Milliseconds that it took. */
const until = (condition: () => boolean) =>
  Effect.gen(function* () {
    const start = performance.now()
    yield* Effect.repeat(Effect.void, Schedule.spaced("5 millis").pipe(Schedule.while(() => !condition())))
    return performance.now() - start
  })

/** What a process that edits until it is killed has printed. */
const editThenKill = (folder: string, lines: number, channel = "") =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const script = join(import.meta.dirname, "keepEditing.ts")
    const child = spawn(process.execPath, ["--conditions=allium-source", script, folder, channel])
    let said = ""
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      if (said.split("\n").length > lines) child.kill("SIGKILL")
    })
    child.on("close", () => resume(Effect.succeed(said.split("\n").slice(0, -1))))
  })

describe("documents of real nodes", () => {
  it.live("are edited at once over TCP, apart, and equal within a second of meeting again", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* nodeIn(yield* temporaryFolder), yield* nodeIn(yield* temporaryFolder)]
      const [sessions, far] = [Context.get(one, SessionManager), Context.get(other, SessionManager)]
      const target = { nodeId: far.self().nodeId, addresses: far.listening(), trusted: true }
      const { genesis } = yield* Context.get(one, Documents).create()
      const [mine, theirs] = [
        yield* Context.get(one, Documents).open(genesis),
        yield* Context.get(other, Documents).open(genesis)
      ]
      const areEqual = (length: number) => () => textOf(mine).length === length && textOf(mine) === textOf(theirs)

      yield* sessions.connect(target)
      const edits = (document: OpenDocument, letter: string) =>
        Effect.repeat(insert(document, letter), Schedule.recurs(19))
      yield* Effect.all([edits(mine, "a"), edits(theirs, "b")], { concurrency: 2 })
      assert.isBelow(yield* until(areEqual(40)), 3_000)

      yield* (yield* sessions.connect(target)).close("leaving")
      yield* Effect.all([edits(mine, "c"), edits(theirs, "d")], { concurrency: 2 })
      assert.isFalse(areEqual(80)())
      const meet = Effect.retry(sessions.connect(target), { schedule: Schedule.spaced("50 millis"), times: 100 })
      yield* meet
      assert.isBelow(yield* until(areEqual(80)), 1_000)
    })
  )

  it.live("have every edit that was acknowledged before they were killed, and go on from there", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [channel = "", ...first] = yield* editThenKill(folder, 15)
      const [, ...second] = yield* editThenKill(folder, 15, channel)
      const acknowledged = first.length + second.length
      assert.isAtLeast(acknowledged, 28)
      const document = yield* Context.get(yield* nodeIn(folder), Documents).open(bytesOfHex(channel)!)
      const list = document.document().list("l").toJSON() as ReadonlyArray<number>
      // The last of each may have become durable without being acknowledged.
      assert.include([acknowledged, acknowledged + 1, acknowledged + 2], list.length)
      assert.deepStrictEqual(list.slice(0, first.length), first.map(Number))
      yield* insert(document, "still alive")
    })
  )
})
