import { afterEach, assert, describe, it } from "@effect/vitest"
import { allium, cleanUp, type RunningNode, startNode, temporaryFolder } from "./processes.ts"

afterEach(cleanUp)

const run = async (node: RunningNode, args: ReadonlyArray<string>, input?: string) => {
  const options = input === undefined ? {} : { input: new TextEncoder().encode(input) }
  const { code, stderr, stdout } = await allium([...args, "--data", node.folder], options)
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

const startThree = async () => {
  const alice = await startNode(temporaryFolder())
  const join = ["--bootstrap", alice.listening[0] ?? ""]
  const [bob, carol] = await Promise.all([startNode(temporaryFolder(), join), startNode(temporaryFolder(), join)])
  return [alice, bob, carol] as const
}

// Each test starts several processes, which a busy machine does slowly.
describe("commands", { timeout: 60_000 }, () => {
  it("sets a name on one node, reads it on another, and tells everybody's entry apart", async () => {
    const [alice, bob, carol] = await startThree()
    await succeeds(alice, "set", "menü of the day", "soup")
    assert.strictEqual(await succeeds(carol, "read", "menü of the day"), "soup\n")
    const piped = await run(bob, ["set", "menü of the day", "-"], "fish\nand chips\n")
    assert.strictEqual(piped.code, 0, piped.stderr)

    const own = await run(bob, ["read", "menü of the day"])
    assert.deepStrictEqual([own.code, own.stdout], [0, "fish\nand chips\n"])
    assert.match(own.stderr, /set by this node .*; 1 more under this name/)
    const latest = await run(carol, ["read", "menü of the day"])
    assert.strictEqual(latest.stdout, "fish\nand chips\n")
    assert.include(latest.stderr, `set by ${bob.did}`)

    const all = await json(alice, "read", "menü of the day", "--all")
    assert.deepStrictEqual(
      all.map(({ author, own, value }) => [author, own, value]),
      [
        [alice.did, true, "soup"],
        [bob.did, false, "fish\nand chips\n"]
      ]
    )
    await succeeds(bob, "set", "menü of the day", "--delete")
    assert.strictEqual((await json(carol, "read", "menü of the day", "--all")).length, 1)
    const missing = await run(carol, ["read", "nothing of the kind"])
    assert.deepStrictEqual([missing.code, missing.stdout], [1, ""])
    assert.match(missing.stderr, /nobody has an entry under "nothing of the kind" \(2 nodes asked\)/)
  })

  it("explains who holds content before and after a node has gone, and keeps what is pinned", async () => {
    const [alice, bob, carol] = await startThree()
    const put = await run(alice, ["put", "-"], "something worth keeping")
    const cid = put.stdout.trim()
    const [before] = await json(carol, "explain", cid)
    assert.deepInclude(before, { cid, local: true, pinned: null, target: 5, holders: 3, health: "degraded" })
    assert.deepInclude(before, { providers: [alice.nodeId] })

    const [kept] = await json(carol, "pin", cid, "--factor", "2")
    assert.deepInclude(kept, { cid, target: 2, local: true })
    const [pinned] = await json(carol, "explain", cid)
    assert.deepInclude(pinned, { health: "healthy", target: 2 })
    assert.deepInclude(pinned?.["pinned"], { factor: 2 })
    assert.include(await succeeds(carol, "pins"), cid)
    assert.deepInclude((await json(carol, "status"))[0]?.["replication"], { kept: 1 })

    await bob.end("SIGKILL")
    const { stderr, stdout } = await run(carol, ["explain", cid])
    assert.match(stdout, /health +healthy: 2 copies found, 2 wanted/)
    assert.match(stdout, /refreshed +by this node, 2 copies, next in/)
    assert.strictEqual(stderr, "")
    await succeeds(carol, "unpin", cid)
    assert.deepStrictEqual(await json(carol, "pins"), [])
    const again = await run(carol, ["unpin", cid])
    assert.strictEqual(again.code, 1)
    assert.match(again.stderr, /does not keep/)
  })

  it("shows its peers by bucket, and explains each of them by any of its names, alive or dead", async () => {
    const [alice, bob, carol] = await startThree()
    const peers = await json(alice, "peers")
    assert.sameMembers(
      peers.map(({ nodeId }) => nodeId),
      [bob.nodeId, carol.nodeId]
    )
    for (const peer of peers) assert.deepInclude(peer, { inTable: true, failures: 0 })
    const buckets = peers.map(({ bucket }) => Number(bucket))
    assert.deepStrictEqual(
      buckets,
      buckets.toSorted((a, b) => b - a)
    )
    assert.match(await succeeds(alice, "peers"), /^ +\d+ ● \/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/Qm.*found there/m)

    for (const name of [bob.nodeId, bob.did, bob.listening[0] ?? ""]) {
      const [told] = await json(alice, "explain", name)
      assert.deepInclude(told, { nodeId: bob.nodeId, standing: "table", dial: null })
      assert.deepInclude(told?.["session"], { dialled: false })
    }
    await bob.end("SIGKILL")
    const { code, stderr, stdout } = await run(alice, ["explain", bob.nodeId])
    assert.deepStrictEqual([code, /dialled now not reached: transport, refused/.test(stdout)], [0, true], stdout)
    assert.match(stderr, /look whether it is running/)
  })

  it("announces a role, and finds who has it", async () => {
    const [alice, bob, carol] = await startThree()
    await succeeds(bob, "role", "announce", "printer")
    const [found] = await json(carol, "role", "find", "printer")
    assert.deepInclude(found, { role: "printer", did: bob.did, nodeId: bob.nodeId })
    await succeeds(bob, "role", "withdraw", "printer")
    const nobody = await run(alice, ["role", "find", "scanner"])
    assert.deepStrictEqual([nobody.code, nobody.stdout], [0, ""])
    assert.match(nobody.stderr, /nobody says to be scanner/)
  })
})
