import { randomBytes } from "node:crypto"
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { fails, json, run, succeeds } from "./onData.ts"
import { cleanUp, type RunningNode, startNode, temporaryFolder } from "./processes.ts"
import { type Relay, startRelay } from "./relay.ts"

const ADDRESS = "ucxl://ada/developer/allium/storage/decision"

/** Lines of which none is like another, so that any of them would be found wherever it stood. */
const LINES = Array.from({ length: 400 }, (_, n) => `decision ${n}: ${randomBytes(48).toString("hex")}`)
const DECISION = LINES.join("\n")

/** Every file in a folder and below it. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Not even the middle of a line of the decision stands in these bytes. */
const holdsNothing = (bytes: Buffer, what: string): void => {
  for (const line of LINES) assert.isFalse(bytes.includes(line.slice(-60, -28)), `${what} holds a part of "${line}"`)
}

const portOf = (node: RunningNode): number => Number(/\/tcp\/(\d+)/.exec(node.listening[0] ?? "")?.[1])

// Processes start slowly on a busy machine.
describe("encrypted content on nodes of several roles, over TCP", { timeout: 60_000 }, () => {
  const roles = ["developer", "architect", "devops", "reader"] as const
  const folders = Object.fromEntries(roles.map((role) => [role, temporaryFolder()])) as Record<
    (typeof roles)[number],
    string
  >
  let relays: ReadonlyArray<Relay> = []
  const file = join(temporaryFolder(), "decision.md")

  beforeAll(async () => {
    writeFileSync(file, DECISION)
    const authority = await succeeds(folders.developer, "role", "init")
    const levels = { developer: "execution", architect: "coordination", devops: "suggestion", reader: "read-only" }
    const reads = { architect: ["--can-decrypt", "*"], devops: ["--can-decrypt", "developer"] }
    await succeeds(folders.developer, "role", "add", "developer", "--level", levels.developer, "--me")
    for (const role of ["architect", "devops", "reader"] as const) {
      appendFileSync(join(folders[role], "allium.toml"), `authority = "${authority}"\n`)
      const did = await succeeds(folders[role], "init")
      const key = await succeeds(folders[role], "role", "key", role)
      const who = ["--member", did, "--recipient", key, ...(role === "reader" ? [] : reads[role])]
      await succeeds(folders.developer, "role", "add", role, "--level", levels[role], ...who)
    }
    const developer = await startNode(folders.developer)
    relays = await Promise.all([0, 1, 2].map(() => startRelay(portOf(developer))))
    await Promise.all(
      (["architect", "devops", "reader"] as const).map((role, at) => {
        const through = (developer.listening[0] ?? "").replace(/\/tcp\/\d+/, `/tcp/${relays[at]?.port}`)
        return startNode(folders[role], ["--bootstrap", through])
      })
    )
  }, 60_000)

  afterAll(async () => {
    await cleanUp()
    await Promise.all(relays.map((relay) => relay.close()))
  })

  it("is read by its role and those with authority over it, denied to others, and never plain on disk or wire", async () => {
    const put = await run(folders.developer, ["store", "put", ADDRESS, file, "--role", "developer"])
    assert.deepStrictEqual([put.code, put.stdout], [0, `${ADDRESS}\n`], put.stderr)
    assert.match(put.stderr, /of text\/markdown, encrypted for developer, architect, devops\n/)
    assert.match(put.stderr, /stored on 4 nodes of 5 wanted/)

    for (const role of ["developer", "architect", "devops"] as const) {
      const got = await run(folders[role], ["store", "get", ADDRESS])
      assert.deepStrictEqual([got.code, got.stdout], [0, DECISION], got.stderr)
    }
    await fails(folders.reader, ["store", "get", ADDRESS], 1, /access to ucxl:.* is denied.*reader/)
    const [denial] = await json(folders.reader, "store", "audit", "--limit", "1")
    assert.deepInclude(denial, { operation: "retrieve", outcome: "denied", address: ADDRESS })
    await fails(folders.reader, ["store", "put", ADDRESS, file, "--role", "reader"], 1, /may read and not store/)
    await fails(folders.devops, ["store", "put", ADDRESS, file, "--role", "developer"], 1, /no member of the role/)

    for (const role of roles) {
      const files = filesIn(folders[role])
      assert.isTrue(files.some((name) => name.endsWith("allium.db")))
      for (const name of files) holdsNothing(readFileSync(name), name)
    }
    // Whoever may not read it does not even hold its name, but where he asked for it himself.
    for (const [at, relay] of relays.entries()) {
      assert.isAbove(relay.bytes().length, DECISION.length, `relay ${at}`)
      holdsNothing(relay.bytes(), `relay ${at}`)
      assert.isFalse(relay.bytes().includes("ada/developer"))
    }
  })

  it("is found by what it is and by its words, listed, counted and written down", async () => {
    const word = /decision 7: ([0-9a-f]+)/.exec(DECISION)?.[1] ?? ""
    const [found] = await json(
      folders.architect,
      "store",
      "search",
      "--text",
      `${word.slice(0, 20)}*`,
      "--agent",
      "Ada"
    )
    assert.deepInclude(found, { address: ADDRESS, creatorRole: "developer", size: DECISION.length, deleted: false })
    const criteria = ["--project", "allium", "--type", "decision", "--content-type", "text/markdown", "--after", "1h"]
    const line = await succeeds(folders.devops, "store", "search", ...criteria)
    assert.match(line, /^ucxl:\S+ {2}.*KiB {2}text\/markdown {2}.* ago {2}by developer$/)
    const nothing = await run(folders.devops, ["store", "search", ...criteria, "--before", "1h"])
    assert.deepStrictEqual([nothing.code, nothing.stdout], [0, ""])
    assert.match(nothing.stderr, /nothing that this node knows of/)
    assert.strictEqual((await json(folders.developer, "store", "ls", "--role", "developer")).length, 1)
    assert.strictEqual((await json(folders.reader, "store", "ls")).length, 0)

    const [stats] = await json(folders.architect, "store", "stats")
    assert.deepInclude(stats, { retrieved: 1, indexed: 1, denied: 0 })
    assert.match(await succeeds(folders.architect, "store", "stats"), /^stored +0\nread +1, .*each in the mean/)
    const audit = await succeeds(folders.devops, "store", "audit")
    assert.match(audit, /^1 {2}\d{4}-\d\d-\d\d .* retrieve done +ucxl:\S+ {2}as developer, text\/markdown/)
    assert.match(audit, /store +denied ucxl:\S+ {2}as developer.*NotMember/)
    const [providers] = await json(folders.reader, "store", "discover", ADDRESS)
    assert.match(String(providers?.["did"]), /^did:key:/)
  })

  it("has a history, is shared with one role more, re-encrypted, and deleted", async () => {
    const input = "another decision\n"
    const second = await run(folders.developer, ["store", "put", ADDRESS.toUpperCase(), "-", "--role", "developer"], {
      input
    })
    assert.strictEqual(second.code, 0, second.stderr)
    const versions = await json(folders.architect, "store", "history", ADDRESS)
    assert.deepStrictEqual(
      versions.map(({ size }) => size),
      [input.length, DECISION.length]
    )
    const older = String(versions[1]?.["metadataCid"])
    assert.strictEqual((await run(folders.architect, ["store", "get", ADDRESS, "--version", older])).stdout, DECISION)
    const copy = join(temporaryFolder(), "copy.txt")
    const [saved] = await json(folders.architect, "store", "get", ADDRESS, "-o", copy)
    assert.deepInclude(saved, { address: ADDRESS, contentType: "text/plain", size: input.length, file: copy })
    assert.strictEqual(readFileSync(copy, "utf8"), input)

    await succeeds(folders.developer, "store", "share", ADDRESS, "--with", "reader")
    assert.strictEqual(await succeeds(folders.reader, "store", "get", ADDRESS), "another decision")
    await succeeds(folders.developer, "store", "announce", ADDRESS)
    const rotated = await run(folders.developer, ["store", "rotate", "--role", "developer"])
    assert.match(rotated.stderr, /^looked at 1 item: .* those of now$/m)
    assert.strictEqual(await succeeds(folders.reader, "store", "get", ADDRESS), "another decision")
    await succeeds(folders.architect, "store", "rotate", "--role", "architect")
    await fails(folders.developer, ["store", "rotate", "--role", "nobody"], 1, /there is no role "nobody"/)

    await fails(folders.devops, ["store", "rm", ADDRESS], 1, /./)
    const removed = await run(folders.developer, ["store", "rm", ADDRESS])
    assert.deepStrictEqual([removed.code, removed.stdout], [0, ""], removed.stderr)
    await fails(folders.architect, ["store", "get", "ucxl://a/b/c/d/e"], 1, /nobody on the network has it/)
    assert.strictEqual((await json(folders.developer, "store", "ls")).length, 0)
  })

  it("tells which line of the log of audit somebody has changed in the database", async () => {
    const sound = await succeeds(folders.devops, "store", "audit", "--verify")
    assert.match(sound, /^\d+ lines, 1 to \d+: none was changed, added or removed$/)
    const database = new DatabaseSync(join(folders.devops, "allium.db"), { timeout: 5_000 })
    database.exec("UPDATE ucxl_audit SET outcome = 'done', reason = '' WHERE number = 2")
    database.close()
    await fails(
      folders.devops,
      ["store", "audit", "--verify"],
      1,
      /does not hold from line 2 on: .*changed the database/
    )
    const verdict = await run(folders.devops, ["store", "audit", "--verify", "--json"])
    assert.deepInclude(JSON.parse(verdict.stdout), { sound: false, brokenAt: 2, first: 1 })
    assert.strictEqual(verdict.code, 1)
  })

  it("is on no disk after all that, in no word of it", () => {
    for (const name of roles.flatMap((role) => filesIn(folders[role]))) {
      holdsNothing(readFileSync(name), name)
      assert.isFalse(readFileSync(name).includes("another decision"), name)
    }
  })

  it("ends with 2 and a sentence where an address, a time or a type is none", async () => {
    const data = folders.developer
    await fails(data, ["store", "get", "ucxl://ada/dev"], 2, /"ucxl:\/\/ada\/dev" is no address, the part "project" is/)
    await fails(
      data,
      ["store", "get", "ucxl://a/b/c/d/\u001b[31m"],
      2,
      /^error: "ucxl:\/\/a\/b\/c\/d\/\\u\{1b\}\[31m" is/
    )
    await fails(data, ["store", "search", "--after", "soon"], 2, /--after soon is no time: give a date/)
    await fails(data, ["store", "put", ADDRESS, file, "--role", "developer", "--type", "a\nb"], 2, /content type has/)
    await fails(data, ["store", "ls", "--limit", "0"], 2, /0/)
    await fails(data, ["store", "put", ADDRESS, join(data, "nothing"), "--role", "developer"], 1, /there is no file/)
    await fails(data, ["store", "put", ADDRESS, file, "--role", "nobody"], 1, /there is no role "nobody": there are/)
  })
})
