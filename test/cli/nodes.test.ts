import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { join } from "node:path"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "@effect/vitest"
import { CID } from "multiformats/cid"
import * as raw from "multiformats/codecs/raw"
import { sha256 } from "multiformats/hashes/sha2"
import { alliumHere } from "./inProcess.ts"
import { allium, cleanUp, type RunningNode, startNode, temporaryFolder } from "./processes.ts"

/** The trimmed stdout of a command that must succeed. */
const succeeds = async (node: RunningNode, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stderr, stdout } = await alliumHere([...args, "--data", node.folder])
  assert.strictEqual(code, 0, stderr)
  return stdout.toString().trim()
}

const fails = async (args: ReadonlyArray<string>, sentence: RegExp, run = alliumHere): Promise<void> => {
  const { code, stderr, stdout } = await run(args)
  assert.match(stderr, sentence)
  assert.deepStrictEqual([code, stdout.toString()], [1, ""])
}

/** Bytes without repetition. */
const bytesOf = (length: number): Uint8Array =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 32) }, (_, index) => createHash("sha256").update(`${index}`).digest())
  ).subarray(0, length)

// Processes start slowly on a busy machine.
describe("five nodes", { timeout: 60_000 }, () => {
  let [alice, bob]: ReadonlyArray<RunningNode> = []

  beforeAll(async () => {
    alice = await startNode(temporaryFolder())
    const join = ["--bootstrap", alice.listening[0] ?? ""]
    ;[bob] = await Promise.all(Array.from({ length: 4 }, () => startNode(temporaryFolder(), join)))
  }, 60_000)

  afterAll(cleanUp)

  it("give a file that was put on one of them to another, byte for byte", async () => {
    const [file, copy] = [join(alice!.folder, "file"), join(bob!.folder, "copy")]
    writeFileSync(file, bytesOf(3_000_000))
    const put = await allium(["put", file, "--data", alice!.folder])
    assert.strictEqual(put.code, 0, put.stderr)
    const cid = put.stdout.toString().trim()
    await succeeds(bob!, "get", cid, "-o", copy)
    assert.isTrue(readFileSync(copy).equals(readFileSync(file)))
    assert.isFalse(existsSync(`${copy}.part`))

    const whole = await allium(["get", cid, "--data", bob!.folder])
    assert.isTrue(whole.stdout.equals(readFileSync(file)))
  })

  it("carry a file from one to another without anybody learning who they are", async () => {
    const input = bytesOf(100_000)
    const put = await alliumHere(["put", "-", "--anonymous", "--data", alice!.folder], { input })
    assert.strictEqual(put.code, 0, put.stderr)
    assert.match(put.stderr, /stored 97\.7 KiB in 5 blocks, at least \d copies of each\n.*lives another 1 d 23 h/)
    const cid = put.stdout.toString().trim()
    const get = await alliumHere(["get", cid, "--anonymous", "--data", bob!.folder])
    assert.strictEqual(get.code, 0, get.stderr)
    assert.isTrue(get.stdout.equals(input))
    const unknown = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    await fails(
      ["get", unknown, "--anonymous", "--data", bob!.folder],
      /nobody on the network has bafkreihdwd.* \(2 nodes/
    )
  })

  it("tell who serves what, who is connected, and how they are", async () => {
    const { stdout } = await alliumHere(["put", "-", "--data", alice!.folder], { input: bytesOf(10) })
    const cid = stdout.toString().trim()
    const providers = await succeeds(bob!, "providers", cid, "--json")
    assert.deepInclude(JSON.parse(providers), { cid, did: alice!.did, nodeId: alice!.nodeId })
    await succeeds(bob!, "provide", cid)
    assert.strictEqual((await succeeds(alice!, "providers", cid)).split("\n").length, 2)

    const peers = (await succeeds(bob!, "peers", "--json")).split("\n").map((line) => JSON.parse(line))
    assert.include(
      peers.map(({ nodeId }) => nodeId),
      alice!.nodeId
    )
    const status = JSON.parse(await succeeds(bob!, "status", "--json"))
    assert.deepInclude(status, { did: bob!.did, local: true, joined: true, listening: bob!.listening })
  })
})

describe("a node", { timeout: 60_000 }, () => {
  afterEach(cleanUp)

  it("reads from the standard input and names small content as multiformats does", async () => {
    const alice = await startNode(temporaryFolder())
    const input = new TextEncoder().encode("hello allium")
    const { stdout } = await alliumHere(["put", "-", "--json", "--data", alice.folder], { input })
    const cid = CID.createV1(raw.code, await sha256.digest(input)).toString()
    assert.deepInclude(JSON.parse(stdout.toString()), { cid, bytes: input.length, blocks: 1, replicas: 1 })
    await fails(
      ["get", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "--data", alice.folder],
      /nobody on the network has bafkreihdwd/
    )
    // What is here needs nobody else.
    assert.strictEqual(await succeeds(alice, "get", cid, "--anonymous"), "hello allium")
    await fails(["get", cid, "-o", join(alice.folder, "no", "where"), "--data", alice.folder], /cannot be written/)
  })

  it("counts what it dropped, and why, for a scraper that has the token", async () => {
    const node = await startNode(temporaryFolder())
    const port = Number(/\/tcp\/(\d+)/.exec(node.listening[0] ?? "")?.[1])
    const stranger = connect(port, "127.0.0.1")
    await new Promise((resolve) =>
      stranger
        .on("error", () => {})
        .on("close", resolve)
        .end("GET / HTTP/1.1\r\n\r\n")
    )
    const { token, url } = JSON.parse(readFileSync(join(node.folder, "control.json"), "utf8"))
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    assert.match(await answer.text(), /^allium_session_refused_total\{.*reason="malformed frame".*\} 1$/m)
    assert.strictEqual((await fetch(`${url}/metrics`)).status, 401)
  })

  it("still has what was put when it was killed right after", async () => {
    const folder = temporaryFolder()
    const cids: Array<string> = []
    for (let round = 0; round < 2; round++) {
      const node = await startNode(folder)
      const { stdout } = await alliumHere(["put", "-", "--data", folder], { input: bytesOf(100_000 + round) })
      await node.end("SIGKILL")
      cids.push(stdout.toString().trim())
    }
    const node = await startNode(folder)
    for (const [round, cid] of cids.entries()) {
      const { stdout } = await alliumHere(["get", cid, "--data", node.folder])
      assert.isTrue(stdout.equals(bytesOf(100_000 + round)), `round ${round}`)
    }
  })

  it("keeps a second node out of its folder, and closes in order when told to", async () => {
    const alice = await startNode(temporaryFolder())
    await fails(["node", "--local", "--data", alice.folder], /another node is running on the data folder/, allium)
    const control = join(alice.folder, "control.json")
    assert.strictEqual(statSync(control).mode & 0o777, 0o600)
    const start = performance.now()
    assert.strictEqual(await alice.end("SIGTERM"), 0)
    assert.isBelow(performance.now() - start, 5_000)
    assert.isFalse(existsSync(control))
    const again = await startNode(alice.folder)
    assert.strictEqual(again.did, alice.did)
    assert.strictEqual(await again.end("SIGINT"), 0)
  })

  it("says that a port is taken, for peers or for control", async () => {
    const taken = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => taken.once("listening", resolve))
    const { port } = taken.address() as AddressInfo
    const folder = temporaryFolder()
    try {
      await fails(
        ["node", "--local", "--data", folder, "--listen", `/ip4/127.0.0.1/tcp/${port}`],
        /cannot listen on .*choose another with --listen/,
        allium
      )
      writeFileSync(join(folder, "allium.toml"), `controlPort = ${port}\n`)
      await fails(["node", "--local", "--data", folder], /cannot serve the control API .*controlPort/, allium)
    } finally {
      taken.close()
    }
  })

  it("sets a damaged database aside and starts", async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, "allium.db"), bytesOf(8_192))
    const node = await startNode(folder)
    assert.isTrue(readdirSync(folder).some((name) => name.includes("damaged")))
    assert.strictEqual(await node.end("SIGTERM"), 0)
  })
})

describe("network", { timeout: 60_000 }, () => {
  afterEach(cleanUp)

  it("tells its story to the end, and leaves nothing behind", async () => {
    const { code, stderr, stdout } = await allium(["network", "--once", "--json"])
    assert.strictEqual(code, 0, stderr)
    const steps = stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    const names = steps.map(({ step }) => step)
    assert.deepStrictEqual(
      [...new Set(names)],
      [
        ...["start", "join", "put", "replicas", "get", "set", "read"],
        ...["whisper", "fetch", "cell", "overheard", "stop", "explain", "heal"]
      ]
    )
    const cells = steps.filter(({ step }) => step === "cell")
    assert.deepStrictEqual(
      cells.map(({ role }) => role),
      ["reader", "relay", "relay", "relay", "delegate", "delegate", "relay", "relay", "relay", "reader"]
    )
    assert.strictEqual(new Set(cells.map(({ bytes }) => bytes)).size, 1)
    const [asked, answered] = [cells.slice(0, 5), cells.slice(5)]
    for (const way of [asked, answered])
      for (const [at, { to }] of way.slice(0, -1).entries()) assert.strictEqual(way[at + 1].node, to)
    assert.deepInclude(
      steps.find(({ step }) => step === "overheard"),
      { links: 8, relays: 3, legible: 0 }
    )
    assert.strictEqual(names.filter((name) => name === "get").length, 2)
    assert.strictEqual(steps.find(({ step }) => step === "read")?.value, "hello from node-1")
    const held = steps.filter(({ root, step }) => step === "replicas" && root).length
    assert.deepInclude(steps.at(-2), { step: "explain", holders: held - 1, target: 3 })
    assert.deepInclude(steps.at(-1), { step: "heal", health: "healthy", target: 3 })
    assert.isAtLeast(steps.filter(({ root, step }) => step === "replicas" && root).length, 3)
    for (const { folder } of steps.filter(({ step }) => step === "start")) assert.isFalse(existsSync(folder))
  })

  it("tells it in plain text where nobody watches", async () => {
    const { code, stdout } = await allium(["network", "--once", "--nodes", "3", "--file", "package.json"])
    assert.strictEqual(code, 0)
    assert.match(stdout.toString(), /node-1 stored package\.json/)
    assert.match(stdout.toString(), /nobody can be anonymous among 3 nodes/)
    assert.notInclude(stdout.toString(), "\x1b[")
  })
})
