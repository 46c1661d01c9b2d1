import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { alliumHere } from "./inProcess.ts"
import { cleanUp, type RunningNode, startNode, temporaryFolder } from "./processes.ts"

const run = async (node: RunningNode, args: ReadonlyArray<string>, input?: string) => {
  const options = input === undefined ? {} : { input: new TextEncoder().encode(input) }
  const { code, stderr, stdout } = await alliumHere([...args, "--data", node.folder], options)
  return { code, stderr, stdout: stdout.toString() }
}

/** The stdout of a command that must succeed. */
const succeeds = async (node: RunningNode, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stderr, stdout } = await run(node, args)
  assert.strictEqual(code, 0, stderr)
  return stdout
}

/** Every line of `--json`. */
const json = async (
  node: RunningNode,
  ...args: ReadonlyArray<string>
): Promise<ReadonlyArray<Record<string, unknown>>> =>
  (await succeeds(node, ...args, "--json"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

// One network for all of them, each on names and content of its own; only the last ends a node.
describe("commands", { timeout: 60_000 }, () => {
  let [alice, bob, carol]: Array<RunningNode> = []

  beforeAll(async () => {
    alice = await startNode(temporaryFolder())
    const join = ["--bootstrap", alice.listening[0] ?? ""]
    ;[bob, carol] = await Promise.all([startNode(temporaryFolder(), join), startNode(temporaryFolder(), join)])
  }, 60_000)

  afterAll(cleanUp)

  it("sets a name on one node, reads it on another, and tells everybody's entry apart", async () => {
    const name = "menü of the day"
    await succeeds(alice!, "set", name, "soup")
    assert.strictEqual(await succeeds(carol!, "read", name), "soup\n")
    const piped = await run(bob!, ["set", name, "-"], "fish\nand chips\n")
    assert.strictEqual(piped.code, 0, piped.stderr)

    const [own, latest, all, missing] = await Promise.all([
      run(bob!, ["read", name]),
      run(carol!, ["read", name]),
      json(alice!, "read", name, "--all"),
      run(carol!, ["read", "nothing of the kind"])
    ])
    assert.deepStrictEqual([own.code, own.stdout], [0, "fish\nand chips\n"])
    assert.match(own.stderr, /set by this node .*; 1 more under this name/)
    assert.strictEqual(latest.stdout, "fish\nand chips\n")
    assert.include(latest.stderr, `set by ${bob!.did}`)
    assert.deepStrictEqual(
      all.map(({ author, own, value }) => [author, own, value]),
      [
        [alice!.did, true, "soup"],
        [bob!.did, false, "fish\nand chips\n"]
      ]
    )
    assert.deepStrictEqual([missing.code, missing.stdout], [1, ""])
    assert.match(missing.stderr, /nobody has an entry under "nothing of the kind" \(2 nodes asked\)/)

    await succeeds(bob!, "set", name, "--delete")
    assert.strictEqual((await json(carol!, "read", name, "--all")).length, 1)
  })

  it("announces a role, and finds who has it", async () => {
    await succeeds(bob!, "role", "announce", "printer")
    const [[found], nobody] = await Promise.all([
      json(carol!, "role", "find", "printer"),
      run(alice!, ["role", "find", "scanner"])
    ])
    assert.deepInclude(found, { role: "printer", did: bob!.did, nodeId: bob!.nodeId })
    assert.deepStrictEqual([nobody.code, nobody.stdout], [0, ""])
    assert.match(nobody.stderr, /nobody says to be scanner/)
    await succeeds(bob!, "role", "withdraw", "printer")
  })

  it("explains who holds content, and keeps what is pinned", async () => {
    const cid = (await run(alice!, ["put", "-"], "something worth keeping")).stdout.trim()
    const [before] = await json(carol!, "explain", cid)
    assert.deepInclude(before, { cid, local: true, pinned: null, target: 5, holders: 3, health: "degraded" })
    assert.deepInclude(before, { providers: [alice!.nodeId] })

    const [kept] = await json(carol!, "pin", cid, "--factor", "2")
    assert.deepInclude(kept, { cid, target: 2, local: true })
    const [explained, pins, [status]] = await Promise.all([
      run(carol!, ["explain", cid]),
      succeeds(carol!, "pins"),
      json(carol!, "status")
    ])
    assert.match(explained.stdout, /health +healthy: 3 copies found, 2 wanted/)
    assert.match(explained.stdout, /refreshed +by this node, 2 copies, next in/)
    assert.strictEqual(explained.stderr, "")
    assert.match(pins, new RegExp(`^${cid}  healthy `))
    assert.deepInclude(status?.["replication"], { kept: 1, healthy: 1 })

    await succeeds(carol!, "unpin", cid)
    const [none, again] = await Promise.all([json(carol!, "pins"), run(carol!, ["unpin", cid])])
    assert.deepStrictEqual(none, [])
    assert.deepStrictEqual([again.code, /does not keep/.test(again.stderr)], [1, true])
  })

  it("shows its peers by bucket, and explains each of them by any of its names, alive or dead", async () => {
    const [peers, text, ...told] = await Promise.all([
      json(alice!, "peers"),
      succeeds(alice!, "peers"),
      ...[bob!.nodeId, bob!.did, bob!.listening[0] ?? ""].map((name) => json(alice!, "explain", name))
    ])
    assert.sameMembers(
      peers.map(({ nodeId }) => nodeId),
      [bob!.nodeId, carol!.nodeId]
    )
    for (const peer of peers) assert.deepInclude(peer, { inTable: true, relays: true, failures: 0 })
    const buckets = peers.map(({ bucket }) => Number(bucket))
    assert.deepStrictEqual(
      buckets,
      buckets.toSorted((a, b) => b - a)
    )
    assert.match(text, /^ +\d+ ● \/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/Qm.*found there .*relays/m)
    for (const [it] of told) assert.deepInclude(it, { nodeId: bob!.nodeId, standing: "table", dial: null })

    await bob!.end("SIGKILL")
    const { code, stderr, stdout } = await run(alice!, ["explain", bob!.nodeId])
    assert.strictEqual(code, 0)
    assert.match(stdout, /dialled now +not reached: transport, refused/)
    assert.match(stderr, /look whether it is running/)
  })
})
