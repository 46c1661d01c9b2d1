import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "@effect/vitest"
import { fails, json, run, succeeds } from "./onData.ts"
import { cleanUp, type RunningNode, startNode, temporaryFolder } from "./processes.ts"

const DID = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"

describe("role, without a node", () => {
  afterEach(cleanUp)

  it("makes the authority once, and leaves the other settings as they are", async () => {
    const data = join(temporaryFolder(), "node")
    mkdirSync(data)
    writeFileSync(join(data, "allium.toml"), '# mine\nnetwork = "ours"\n')
    const did = await succeeds(data, "role", "init")
    assert.match(did, /^did:key:z6Mk/)
    const settings = `# mine\nnetwork = "ours"\nauthority = "${did}"\n`
    assert.strictEqual(readFileSync(join(data, "allium.toml"), "utf8"), settings)
    writeFileSync(join(data, "roles.toml"), "# kept\n")
    assert.deepInclude((await json(data, "role", "init"))[0], { authority: did, restart: false })
    assert.strictEqual(readFileSync(join(data, "roles.toml"), "utf8"), "# kept\n")
    assert.strictEqual(readFileSync(join(data, "allium.toml"), "utf8"), settings)
  })

  it("replaces the line that init shows, and no other", async () => {
    const data = temporaryFolder()
    await succeeds(data, "init")
    const before = readFileSync(join(data, "allium.toml"), "utf8")
    const did = await succeeds(data, "role", "init")
    const after = readFileSync(join(data, "allium.toml"), "utf8")
    assert.strictEqual(after, before.replace('# authority = ""', `authority = "${did}"`))
  })

  it("keeps roles in roles.toml, with what their owner wrote around them", async () => {
    const data = temporaryFolder()
    await fails(data, ["role", "add", "developer", "--level", "execution"], 1, /allium role init/)
    const did = await succeeds(data, "role", "init")
    await fails(data, ["role", "add", "developer"], 2, /new: give it a --level/)
    const added = await run(data, ["role", "add", "developer", "--level", "execution", "--me"])
    assert.match(added.stdout, /^developer added {2}execution, 1 member, 1 recipient\n$/)
    assert.match(added.stderr, /published when the node starts/)
    const file = join(data, "roles.toml")
    writeFileSync(file, `${readFileSync(file, "utf8")}\n# They only look.\n`)
    const reader = await run(data, ["role", "add", "reader", "--level", "read-only", "--can-decrypt", "developer"])
    assert.match(reader.stderr, /nobody reads what reader stores until it has a recipient/)
    const [again] = await json(data, "role", "add", "developer", "--member", DID, "--level", "coordination")
    assert.deepInclude(again, { change: "changed", level: "coordination", members: [did, DID], published: null })
    const text = readFileSync(file, "utf8")
    assert.match(text, /# They only look\.\n\n\[roles\.reader\]\nlevel = "read-only"\ncanDecrypt = \["developer"\]\n$/)

    await succeeds(data, "role", "remove", "developer", "--member", DID)
    await fails(data, ["role", "remove", "developer", "--member", DID], 1, /has no did:key:z6MkpTHR.*role show/)
    await succeeds(data, "role", "remove", "developer")
    assert.notInclude(readFileSync(file, "utf8"), "developer\n")
    assert.match(readFileSync(file, "utf8"), /\[roles\.reader\]\nlevel = "read-only"\n$/)
    await fails(data, ["role", "remove", "developer"], 1, /there is no role "developer": there are reader/)
  })

  it("says what is wrong with a role, a recipient, a member, a file and a setting", async () => {
    const data = temporaryFolder()
    await succeeds(data, "role", "init")
    const add = (...rest: ReadonlyArray<string>) => ["role", "add", "developer", "--level", "execution", ...rest]
    await fails(data, ["role", "add", "Developer", "--level", "execution"], 2, /"Developer" is no role: it has 1 to 59/)
    await fails(data, ["role", "add", "developer", "--level", "high"], 2, /high/)
    await fails(data, add("--recipient", "age1xyz"), 2, /"age1xyz" is no recipient: its checksum is wrong/)
    await fails(data, add("--member", "bob"), 2, /"bob" is not a did:key/)
    await fails(data, add("--can-decrypt", "ghost"), 1, /"developer" may decrypt ghost, which is no role/)
    writeFileSync(join(data, "roles.toml"), '[roles.developer]\nlevel = "high"\n')
    await fails(data, add(), 1, /roles\.toml cannot be used: "developer" has a level that is none of/)
    await fails(data, ["role", "publish"], 1, /"developer" has a level/)
    await fails(data, add(), 1, /the roles are those of did:key:z6Mkp.*yours is did:key/, {
      env: { ALLIUM_AUTHORITY: DID }
    })
    await fails(data, ["role", "init"], 1, /goes by the roles of did:key:z6Mkp/, { env: { ALLIUM_AUTHORITY: DID } })
    await fails(data, ["role", "init"], 1, /authority = "bob" is not a did:key.*allium role init/, {
      env: { ALLIUM_AUTHORITY: "bob" }
    })
  })

  it("makes a key, exports it for the age command, and takes one in", async () => {
    const [data, other] = [temporaryFolder(), temporaryFolder()]
    const recipient = await succeeds(data, "role", "key", "developer")
    assert.match(recipient, /^age1[0-9a-z]{58}$/)
    assert.strictEqual(await succeeds(data, "role", "key", "developer"), recipient)
    const file = join(data, "developer.key")
    await succeeds(data, "role", "key", "developer", "--export", file)
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    await fails(data, ["role", "key", "developer", "--export", file], 1, /is there already/)
    await fails(data, ["role", "key", "reader", "--export", "-"], 1, /has no key of the role "reader"/)

    const sealed = spawnSync("age", ["-r", recipient], { input: "for developers" })
    assert.strictEqual(sealed.status, 0, `the age command is needed here: ${sealed.error ?? sealed.stderr}`)
    const opened = spawnSync("age", ["-d", "-i", file], { input: sealed.stdout })
    assert.strictEqual(opened.stdout.toString(), "for developers")

    assert.strictEqual(await succeeds(other, "role", "key", "developer", "--import", file), recipient)
    assert.strictEqual(await succeeds(other, "role", "key", "developer"), recipient)
    writeFileSync(file, "# nothing\n")
    await fails(other, ["role", "key", "developer", "--import", file], 1, /holds no AGE-SECRET-KEY-1/)
    writeFileSync(file, `AGE-SECRET-KEY-1${"Q".repeat(58)}\n`)
    await fails(other, ["role", "key", "developer", "--import", file], 1, /key 1 in .* is no AGE-SECRET-KEY-1…: its/)
    writeFileSync(file, "age-encryption.org/v1\n")
    await fails(other, ["role", "key", "developer", "--import", file], 1, /is sealed: open it with "age -d/)
    await fails(other, ["role", "key", "a", "--import", file, "--export", file], 2, /either --export or --import/)
  })

  it("asks for a passphrase at a terminal only, and takes it from the environment", async () => {
    const data = temporaryFolder()
    await fails(data, ["role", "seal"], 1, /asked for at a terminal only: give it in ALLIUM_ROLE_PASSPHRASE/)
    await fails(data, ["role", "unlock"], 1, /ALLIUM_ROLE_PASSPHRASE here/)
    await fails(data, ["role", "unlock"], 1, /no node is running on/, { env: { ALLIUM_ROLE_PASSPHRASE: "x" } })
  })
})

// One network for all of them: the authority, a member, and a node without a role.
describe("roles on a network", { timeout: 60_000 }, () => {
  let [owner, member, stranger]: Array<RunningNode> = []
  const passphrase = { ALLIUM_ROLE_PASSPHRASE: "correct horse" }

  beforeAll(async () => {
    const [home, ...others] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
    const authority = await succeeds(home!, "role", "init")
    await succeeds(home!, "role", "add", "developer", "--level", "execution", "--me")
    for (const data of others) writeFileSync(join(data, "allium.toml"), `authority = "${authority}"\n`)
    owner = await startNode(home!)
    const join_ = ["--bootstrap", owner.listening[0] ?? ""]
    ;[member, stranger] = await Promise.all(others.map((data) => startNode(data, join_)))
  }, 60_000)

  afterAll(cleanUp)

  it("are published at the start, and changed while it runs", async () => {
    // A node answers before it has joined, and knows no roles until then.
    for (const { folder } of [member!, stranger!]) while ((await run(folder, ["role", "list"])).code !== 0);
    const [first] = await json(member!.folder, "role", "list")
    assert.deepInclude(first, { name: "developer", level: "execution", authority: owner!.did, own: false })

    const recipient = await succeeds(member!.folder, "role", "key", "developer")
    const added = await run(owner!.folder, [
      ...["role", "add", "developer", "--member", member!.did, "--recipient", recipient],
      ...["--can-decrypt", "*"]
    ])
    assert.strictEqual(added.code, 0, added.stderr)
    assert.match(added.stderr, /published on \d nodes of 5 wanted/)
    const [listed] = await json(member!.folder, "role", "list")
    assert.deepInclude(listed, { own: true, members: [owner!.did, member!.did], canDecrypt: ["*"] })
    assert.include(listed?.["recipients"] as ReadonlyArray<string>, recipient)
    assert.isAbove(Number(listed?.["grantExpires"]), Date.now() / 1_000 + 29 * 86_400)
    const text = await run(stranger!.folder, ["role", "list"])
    assert.match(text.stdout, /^ {2}developer {2}execution +2 members, 2 recipients, read by developer\n$/)
    assert.match(text.stderr, /^1 role, kept by did:key:/)
  })

  it("are found by the nodes that have them", async () => {
    let announced: ReadonlyArray<{ readonly did: string }> = []
    while (announced.length < 2) {
      const [shown] = await json(stranger!.folder, "role", "show", "developer")
      announced = shown?.["announced"] as typeof announced
    }
    assert.sameMembers(
      announced.map(({ did }) => did),
      [owner!.did, member!.did]
    )
    assert.match(await succeeds(stranger!.folder, "role", "show", "developer"), /this node +is no member\n/)
    assert.match(await succeeds(member!.folder, "role", "show", "developer"), /may store: its grant lives another 29 d/)
    await fails(stranger!.folder, ["role", "show", "tester"], 1, /there is no role "tester": there are developer/)
  })

  it("are changed on the authority's node only, and not by what is wrong", async () => {
    const add = ["role", "add", "tester", "--level", "suggestion"]
    await fails(member!.folder, add, 1, /so they are changed on that node; yours is did:key/)
    await fails(owner!.folder, [...add, "--can-decrypt", "ghost"], 1, /may decrypt ghost, which is no role/)
    await succeeds(owner!.folder, ...add)
    await succeeds(owner!.folder, "role", "remove", "tester")
    assert.deepStrictEqual(
      (await json(stranger!.folder, "role", "list")).map(({ name }) => name),
      ["developer"]
    )
    const file = join(owner!.folder, "roles.toml")
    writeFileSync(file, `${readFileSync(file, "utf8")}\n[roles.by-hand]\nlevel = "master"\n`)
    assert.deepInclude((await json(owner!.folder, "role", "publish"))[0], { roles: 2, factor: 5 })
    for (const { folder } of [member!, stranger!]) {
      assert.strictEqual((await json(folder, "role", "list")).length, 2)
    }
  })

  it("have keys that a passphrase seals, until the node is told it", async () => {
    const data = member!.folder
    const recipient = await succeeds(data, "role", "key", "developer")
    const sealed = await run(data, ["role", "seal"], { env: passphrase })
    assert.strictEqual(sealed.code, 0, sealed.stderr)
    assert.match(readFileSync(join(data, "roles.key"), "utf8"), /^-----BEGIN AGE ENCRYPTED FILE-----/)
    assert.strictEqual(await succeeds(data, "role", "key", "developer"), recipient)

    await member!.end("SIGTERM")
    member = await startNode(data, ["--bootstrap", owner!.listening[0] ?? ""])
    await fails(data, ["role", "key", "developer"], 1, /roles\.key are sealed: .*allium role unlock/)
    assert.strictEqual((await run(data, ["role", "unlock"], { env: passphrase })).code, 0)
    assert.strictEqual(await succeeds(data, "role", "key", "developer"), recipient)
    // It knows the roles of the run before, whether anybody answers or not.
    assert.isTrue(existsSync(join(data, "roles.seen")))
    assert.strictEqual((await json(data, "role", "list")).length, 2)
  })
})
