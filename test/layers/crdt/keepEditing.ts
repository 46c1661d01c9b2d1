/** A process to be killed: edits a document on a node of its own and prints a line for each edit that was acknowledged. */
import { writeSync } from "node:fs"
import { Documents, defaultSettings, Production } from "allium"
import { Effect } from "effect"
import { bytesOfHex, hexOf } from "#schemas/bytes/bytes"

const [dataFolder = "", known = ""] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const documents = yield* Documents
  const channel = bytesOfHex(known)!
  const { channel: mine } = channel.length === 32 ? { channel } : yield* documents.create()
  writeSync(1, `${hexOf(mine)}\n`)
  const document = yield* documents.open(mine)
  for (let n = 0; ; n++) {
    yield* document.edit((it) => it.list("l").push(n))
    writeSync(1, `${n}\n`)
  }
})

const settings = { ...defaultSettings, dataFolder, local: true, listen: ["/ip4/127.0.0.1/tcp/0"] }
Effect.runFork(program.pipe(Effect.scoped, Effect.provide(Production.layer(settings))))
