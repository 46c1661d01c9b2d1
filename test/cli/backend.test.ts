import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { alliumHere } from "./inProcess.ts"
import { cleanUp, type RunningNode, startNode, temporaryFolder } from "./processes.ts"

const run = (node: RunningNode, ...args: ReadonlyArray<string>) => alliumHere([...args, "--data", node.folder])
const text = async (node: RunningNode, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stderr, stdout } = await run(node, ...args)
  assert.strictEqual(code, 0, stderr)
  return stdout.toString()
}
const json = async (node: RunningNode, ...args: ReadonlyArray<string>) =>
  JSON.parse(await text(node, ...args, "--json"))

describe("allium backend", { timeout: 60_000 }, () => {
  let [alice, bob]: ReadonlyArray<RunningNode> = []

  beforeAll(async () => {
    alice = await startNode(temporaryFolder())
    const folder = temporaryFolder()
    writeFileSync(join(folder, "allium.toml"), "fallback = true\n")
    bob = await startNode(folder, ["--bootstrap", alice.listening[0] ?? ""])
  }, 60_000)

  afterAll(cleanUp)

  it("says of a node that does not fall back that it does not, and how it would", async () => {
    const { code, stderr } = await run(alice!, "backend")
    assert.deepStrictEqual([code, /fallback = true/.test(stderr)], [1, true])
    assert.strictEqual((await json(alice!, "status"))["fallback"], null)
    assert.strictEqual((await run(alice!, "backend", "both")).code, 2)
  })

  it("leaves the network alone until it is told otherwise, and then brings there what has waited", async () => {
    assert.deepInclude(await json(bob!, "backend"), { mode: "auto", active: "real" })
    assert.match(await text(bob!, "backend", "mock"), /this node by itself \(mock\), for .*, chosen by hand/)
    const set = await run(bob!, "set", "greeting", "hello")
    assert.match(set.stderr, /^queued: it waits on this node/)
    const put = await alliumHere(["put", "-", "--data", bob!.folder], { input: new Uint8Array(1_000).fill(65) })
    assert.match(put.stderr, /queued: it waits on this node/)
    assert.strictEqual((await json(bob!, "set", "fruit", "pear"))["status"], "queued")
    assert.strictEqual((await text(bob!, "read", "greeting")).trim(), "hello")
    const shown = await text(bob!, "status")
    assert.match(shown, /backend +this node by itself \(mock\).*\n +4 writes \(.* on this node only, the oldest for/)

    assert.deepInclude(await json(bob!, "backend", "real"), { mode: "real", active: "real" })
    let waiting = 4
    while (waiting > 0) waiting = (await json(bob!, "backend"))["outbox"].waiting
    assert.strictEqual((await text(alice!, "read", "greeting")).trim(), "hello")
    assert.strictEqual((await text(alice!, "read", "fruit")).trim(), "pear")
    assert.strictEqual((await text(alice!, "get", put.stdout.toString().trim())).length, 1_000)
    assert.match(await text(bob!, "backend", "auto"), /answers +the network \(real\), for .*\n.*real +healthy/)
    assert.strictEqual((await json(bob!, "set", "greeting", "hi"))["status"], "stored")
  })
})
