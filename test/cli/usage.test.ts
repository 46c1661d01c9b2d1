import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { VERSION } from "#schemas/node/version"
import { alliumHere } from "./inProcess.ts"
import { allium, cleanUp, type Ended, temporaryFolder } from "./processes.ts"

const CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

/** The user id that owns nothing. */
const NOBODY = 65_534

afterEach(cleanUp)

/** Failed with this code, said one line that matches, and printed no data. */
const isRefused = (ended: Ended, code: number, sentence: RegExp): void => {
  assert.match(ended.stderr, sentence)
  assert.deepStrictEqual(
    [ended.code, ended.stdout.toString(), ended.stderr.trim().split("\n").length],
    [code, "", 1],
    ended.stderr
  )
}

const refuses = async (args: ReadonlyArray<string>, code: number, sentence: RegExp) =>
  isRefused(await alliumHere(args), code, sentence)

describe("usage", () => {
  it("tells its version as package.json has it", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
    assert.strictEqual(VERSION, version)
    assert.include((await allium(["--version"])).stdout.toString(), version)
  })

  it("explains every command with an example", async () => {
    const commands = [
      ...["init", "node", "put", "get", "set", "read", "pin", "unpin", "pins", "provide", "providers", "role", "peers"],
      ...[
        "status",
        "backend",
        "explain",
        "network",
        "sim",
        "role announce",
        "role withdraw",
        "role find",
        ...["init", "add", "remove", "publish", "list", "show", "key", "seal", "unlock"].map((verb) => `role ${verb}`),
        ...["put", "get", "rm", "share", "announce", "ls", "search"].map((verb) => `store ${verb}`),
        ...["history", "discover", "audit", "stats", "rotate"].map((verb) => `store ${verb}`),
        "store"
      ]
    ]
    const helps = await Promise.all(commands.map((command) => alliumHere([...command.split(" "), "--help"])))
    for (const { code, stdout } of helps) {
      assert.strictEqual(code, 0)
      assert.match(stdout.toString(), /EXAMPLES\n(.|\n)*allium /)
    }
  })

  it("ends a process as it ends here, with what it says on the stream where it belongs", async () => {
    const data = temporaryFolder()
    const [help, wrong, alone] = [
      ["put", "--help"],
      ["get", "hello"],
      ["status", "--data", data]
    ]
    for (const [args, code] of [
      [help, 0],
      [wrong, 2],
      [alone, 1]
    ] as const) {
      const ended = await allium(args)
      assert.strictEqual(ended.code, code)
      assert.deepStrictEqual(ended, await alliumHere(args))
    }
  })

  it("ends with 2 and a sentence where it is used wrongly", async () => {
    await Promise.all([
      refuses(["frobnicate"], 2, /Unknown subcommand "frobnicate"/),
      refuses(["put"], 2, /FILE.*see "allium put --help"/),
      refuses(["put", "x", "--colour"], 2, /--colour/),
      refuses(["get", "hello"], 2, /"hello".*not a CID/),
      refuses(["network", "--nodes", "many"], 2, /"many"/),
      refuses(["pin", "hello"], 2, /"hello".*not a CID/),
      refuses(["pin", CID, "--factor", "21"], 2, /21/),
      refuses(["explain", "hello"], 2, /"hello" is neither a CID .* nor a node/),
      refuses(["explain", "/ip4/127.0.0.1/tcp/1"], 2, /no \/p2p\/ part/),
      refuses(["set", "name"], 2, /either a value or --delete/),
      refuses(["set", "name", "value", "--delete"], 2, /either a value or --delete/),
      refuses(["set", "name", ""], 2, /say --delete/),
      refuses(["set", "name", "v".repeat(1_025)], 2, /at most 1024 bytes/),
      refuses(["set", "ä".repeat(129), "value"], 2, /at most 256 bytes and this one has 258/),
      refuses(["read", ""], 2, /at least one letter/),
      refuses(["role", "announce", "r".repeat(60)], 2, /1 to 59 bytes/),
      refuses(["role", "show", "R"], 2, /"R" is no role/)
    ])
  })

  it("ends with 1 and a sentence where no node is running", async () => {
    const data = temporaryFolder()
    const commands = [
      ["status"],
      ["peers"],
      ["get", CID],
      ["provide", CID],
      ["providers", CID],
      ["set", "name", "value"],
      ["read", "name"],
      ["pin", CID],
      ["unpin", CID],
      ["pins"],
      ["explain", CID],
      ["role", "find", "printer"],
      ["role", "list"],
      ["role", "show", "developer"],
      ["put", "package.json"],
      ["store", "put", "ucxl://a/b/c/d/e", "package.json", "--role", "b"],
      ["store", "get", "ucxl://a/b/c/d/e"],
      ["store", "history", "ucxl://a/b/c/d/e"],
      ["store", "ls"],
      ["store", "audit", "--follow"],
      ["store", "rotate", "--role", "b"]
    ]
    await Promise.all(
      commands.map((args) => refuses([...args, "--data", data], 1, /no node is running on .*allium node --data/))
    )
  })

  it("knows a control file that a killed node left behind", async () => {
    const data = temporaryFolder()
    writeFileSync(join(data, "control.json"), JSON.stringify({ url: "http://127.0.0.1:1", token: "x", pid: 1 }))
    await refuses(["status", "--data", data], 1, /no node is running on/)
    writeFileSync(join(data, "control.json"), "{")
    await refuses(["status", "--data", data], 1, /no node is running on/)
  })

  it("says which file is missing or cannot be put", async () => {
    const data = temporaryFolder()
    await Promise.all([
      refuses(["put", join(data, "nothing"), "--data", data], 1, /there is no file .*nothing/),
      refuses(["put", data, "--data", data], 1, /is a folder/)
    ])
  })

  it("says which setting is wrong, and where", async () => {
    const data = temporaryFolder()
    writeFileSync(join(data, "allium.toml"), "replicationFactor = 500\n")
    // A node bounds the memory of its process, so each has one.
    const env = { ALLIUM_REPLICATION_FACTOR: "x" }
    isRefused(await allium(["node", "--data", data]), 1, /allium\.toml.*replicationFactor/)
    isRefused(await allium(["node", "--data", data, "--listen", "x"], { env }), 1, /replicationFactor/)
  })

  it("says that a folder cannot be written", async () => {
    const folder = temporaryFolder()
    const data = join(folder, "closed")
    mkdirSync(data)
    chmodSync(folder, 0o755)
    chmodSync(data, 0o555)
    // Root may write anywhere, so it asks as nobody.
    const ended = await allium(["init", "--data", data], process.getuid?.() === 0 ? { uid: NOBODY } : {})
    assert.match(ended.stderr, /cannot be/)
    assert.strictEqual(ended.code, 1)
  })

  it("says that a data folder is a file", async () => {
    const data = join(temporaryFolder(), "file")
    writeFileSync(data, "")
    await refuses(["init", "--data", data], 2, /is not a directory/)
  })

  it("says on an old Node which one it needs", () => {
    const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })'
    const args = ["--import", `data:text/javascript,${older}`, "src/cli/allium.js", "--help"]
    const ended = spawnSync(process.execPath, args)
    assert.strictEqual(ended.status, 1)
    assert.match(ended.stderr.toString(), /^allium needs Node\.js 24 or newer.*\n$/)
  })
})

describe("init", () => {
  it("makes an identity once, prints its did, and keeps both for itself", async () => {
    const data = join(temporaryFolder(), "node")
    const first = await allium(["init", "--data", data])
    assert.strictEqual(first.code, 0)
    assert.match(first.stdout.toString(), /^did:key:z6Mk\w+\n$/)
    assert.strictEqual(statSync(join(data, "identity.key")).mode & 0o777, 0o600)
    const again = JSON.parse((await alliumHere(["init", "--json"], { env: { ALLIUM_DATA: data } })).stdout.toString())
    assert.strictEqual(`${again.did}\n`, first.stdout.toString())
  })
})
