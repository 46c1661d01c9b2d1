import { createHash, randomFillSync } from "node:crypto"
import { createReadStream, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { allium, cleanUp, startNode, temporaryFolder } from "../cli/processes.ts"
import { peak, resident } from "./memory.ts"

const SIZE = 64 * 1024 * 1024
/** MiB that a node may grow by at its highest while the file passes through it. */
const GROWTH = 150

const digestOf = async (path: string): Promise<string> => {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest("hex")
}

afterEach(cleanUp)

describe("a file of 64 MiB", () => {
  it("passes from one node to another byte for byte, with bounded memory in each", async () => {
    const alice = await startNode(temporaryFolder())
    const bob = await startNode(temporaryFolder(), ["--bootstrap", alice.listening[0] ?? ""])
    const before = [resident(alice.pid), resident(bob.pid)]
    const file = join(alice.folder, "large")
    writeFileSync(file, randomFillSync(Buffer.alloc(SIZE)))

    const began = performance.now()
    const put = await allium(["put", file, "--data", alice.folder])
    assert.strictEqual(put.code, 0, put.stderr)
    const stored = performance.now()
    const copy = join(bob.folder, "copy")
    const get = await allium(["get", put.stdout.toString().trim(), "-o", copy, "--data", bob.folder])
    assert.strictEqual(get.code, 0, get.stderr)
    const fetched = performance.now()

    assert.strictEqual(await digestOf(copy), await digestOf(file))
    const growth = [peak(alice.pid) - before[0]!, peak(bob.pid) - before[1]!]
    console.log(
      `put ${Math.round(stored - began)} ms, get ${Math.round(fetched - stored)} ms,` +
        ` peak growth ${growth.map(Math.round).join(" and ")} MiB`
    )
    assert.isBelow(Math.max(...growth), GROWTH)
  })
})
