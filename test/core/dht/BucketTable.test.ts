import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { BucketTable, K, STRIKES } from "#core/dht/BucketTable"
import { commonPrefixLength, compareDistance } from "#core/dht/distance"
import type { TableNode } from "#core/dht/TableEntry"
import { keyOf } from "#schemas/bytes/bytes"
import { parseAddress } from "#schemas/transport/Address"
import { naiveTable } from "./naiveTable.ts"

const idOf = (n: number): Uint8Array => new Uint8Array(createHash("sha256").update(String(n)).digest())

const node = (n: number, ip = `10.${n & 255}.${n >> 8}.1`): TableNode => ({
  key: keyOf(idOf(n)),
  nodeId: idOf(n),
  addresses: [Result.getOrThrow(parseAddress(`/ip4/${ip}/tcp/4001`))]
})

const nodes = Array.from({ length: 300 }, (_, n) => node(n))
const own = idOf(9_999)
const bucketOf = (it: TableNode) => commonPrefixLength(own, it.nodeId)

const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 299 }))
/** Few enough networks that their limits are met. */
const Net = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))
const Command = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("seen"), n: Index, verified: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.Literal("seen"), n: Index, verified: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.Literal("moved"), n: Index, net: Net, verified: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.Literals(["failed", "failed", "removed", "looked up"]), n: Index }),
  Schema.Struct({ _tag: Schema.Literal("tidied"), n: Index })
])

/** Every third by IPv6, and each with a second address in a network of its own. */
const inNet = (n: number, net: number): TableNode => ({
  ...node(n),
  addresses: [
    n % 3 === 0 ? `/ip6/2001:db8:${net.toString(16)}:${n}::1/tcp/1` : `/ip4/203.0.${net}.${n % 250}/tcp/1`,
    `/ip4/10.${n & 255}.${n >> 8}.1/tcp/1`
  ].map((text) => Result.getOrThrow(parseAddress(text)))
})

/** Runs the same commands on a table and its model, and compares them after each. */
const compare = (capped: boolean, commands: ReadonlyArray<typeof Command.Type>) => {
  const heard = new Set<string>()
  const onChange = (contact: TableNode, joined: boolean) => {
    assert.strictEqual(heard.has(contact.key), !joined)
    if (joined) heard.add(contact.key)
    else heard.delete(contact.key)
  }
  const [table, model] = [new BucketTable<TableNode>(own, { capped, onChange }), naiveTable(own, capped)]
  const places = nodes.map((_, n) => inNet(n, n % 31))
  const rows = (entries: Iterable<{ contact?: TableNode; node?: TableNode } & Record<string, unknown>>) =>
    [...entries]
      .map(({ contact, failures, lastSeen, node, verifiedAt }) => [
        (contact ?? node)!.key,
        (contact ?? node)!.addresses[0]!.text,
        verifiedAt,
        lastSeen,
        failures
      ])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
  commands.forEach((command, at) => {
    const now = at + 1
    const it = places[command.n]!
    switch (command._tag) {
      case "moved":
        places[command.n] = inNet(command.n, command.net)
        table.seen(places[command.n]!, command.verified, now)
        model.seen(places[command.n]!, command.verified, now)
        break
      case "seen":
        table.seen(it, command.verified, now)
        model.seen(it, command.verified, now)
        break
      case "failed":
        assert.strictEqual(table.failed(it.key) !== undefined, model.failed(it))
        break
      case "removed":
        table.remove(it.key)
        model.remove(it)
        break
      case "looked up":
        table.lookedUp(it.nodeId, now)
        model.lookedUp(it.nodeId, now)
        break
      case "tidied": {
        const waiting = table.waiting
        const dropped = table.tidy(now - 20)
        model.tidy(now - 20)
        assert.strictEqual(table.waiting, waiting - dropped)
      }
    }
    assert.deepStrictEqual(rows(table.entries() as never), rows(model.all() as never))
    assert.strictEqual(table.waiting, model.waiting().length)
    assert.strictEqual(heard.size, table.size)
    assert.deepStrictEqual(table.idle(now - 50), model.idle(now - 50))
  })
  for (const { node: it } of model.waiting()) assert.isDefined(table.findWaiting(it.nodeId, it.key))
  return { table, model }
}

describe("BucketTable", () => {
  for (const capped of [false, true])
    it.prop(
      `holds what a naive table holds, command by command, ${capped ? "with" : "without"} limits for networks`,
      [Arbitrary.array(Arbitrary.schema(Command), { minLength: 50, maxLength: 400 })],
      ([commands]) => {
        const { model, table } = compare(capped, commands)
        const all = model.all()
        for (const target of [own, idOf(1), idOf(77_777), idOf(88_888)]) {
          const closest = (entries: typeof all) =>
            entries
              .map((it) => it.node)
              .sort((a, b) => compareDistance(target, a.nodeId, b.nodeId))
              .slice(0, 20)
          assert.deepStrictEqual(table.closest(target, 20), closest(all))
          assert.deepStrictEqual(table.closest(target, 20, 100), closest(all.filter((it) => it.verifiedAt >= 100)))
          const closer = all.filter((it) => compareDistance(target, it.node.nodeId, own) < 0)
          assert.strictEqual(table.isClose(target), closer.length < K)
        }
      },
      { arbitrary: { runs: 25 } }
    )

  const full = () => {
    const bucket = nodes.filter((it) => bucketOf(it) === 0)
    const table = new BucketTable<TableNode>(own, { capped: false })
    bucket.slice(0, K).forEach((it, now) => void table.seen(it, true, now))
    return { bucket, table }
  }

  it("keeps old contacts of a full bucket, and has a newcomer wait", () => {
    const { bucket, table } = full()
    table.seen(bucket[K]!, true, 101)
    assert.isUndefined(table.find(bucket[K]!.key))
    assert.deepStrictEqual([table.size, table.waiting], [K, 1])
  })

  it("puts back whom an earlier run knew, as it was verified then, and moves nobody for it", () => {
    const { bucket, table } = full()
    table.restore(bucket[K]!, 50)
    assert.deepStrictEqual([table.size, table.waiting], [K, 0])
    table.restore(bucket[0]!, 999)
    assert.strictEqual(table.find(bucket[0]!.key)?.verifiedAt, 0)
    const other = nodes.find((it) => bucketOf(it) === 1)!
    table.restore(other, 50)
    assert.deepInclude(table.find(other.key), { verifiedAt: 50, lastSeen: 50, failures: 0 })
    assert.deepStrictEqual(table.closest(other.nodeId, 1, 51).includes(other), false)
  })

  it("retires a contact at the third strike in a row and lets the latest newcomer in", () => {
    const { bucket, table } = full()
    table.seen(bucket[K]!, true, 100)
    table.seen(bucket[K + 1]!, true, 101)
    for (let strike = 1; strike < STRIKES; strike++) table.failed(bucket[3]!.key)
    table.seen(bucket[3]!, false, 102)
    for (let strike = 1; strike < STRIKES; strike++) table.failed(bucket[3]!.key)
    assert.isDefined(table.find(bucket[3]!.key))
    table.failed(bucket[3]!.key)
    assert.isUndefined(table.find(bucket[3]!.key))
    assert.strictEqual(table.find(bucket[K + 1]!.key)?.verifiedAt, 101)
  })

  it("never holds itself", () => {
    const table = new BucketTable<TableNode>(own, { capped: false })
    table.seen({ ...node(1), nodeId: own, key: keyOf(own) }, true, 1)
    assert.strictEqual(table.size, 0)
  })

  it("takes two of a /24 in a bucket and ten in the table, unless the network is local", () => {
    const sameNet = Array.from({ length: 300 }, (_, n) => node(n, `203.0.113.${n & 255}`))
    const capped = new BucketTable<TableNode>(own, { capped: true })
    const local = new BucketTable<TableNode>(own, { capped: false })
    for (const it of sameNet) {
      capped.seen(it, true, 1)
      local.seen(it, true, 1)
    }
    const counts = Map.groupBy([...capped.entries()], (it) => bucketOf(it.contact))
    for (const [, entries] of counts) assert.isAtMost(entries.length, 2)
    assert.isAtMost(capped.size, 10)
    assert.isAtLeast(capped.size, 8)
    assert.isAbove(local.size, 40)
  })

  it("counts a /48 of IPv6 as one network and gives its place back when a contact leaves", () => {
    const table = new BucketTable<TableNode>(own, { capped: true })
    const bucket = nodes.filter((it) => bucketOf(it) === 0)
    const at = (n: number): TableNode => ({
      ...bucket[n]!,
      addresses: [Result.getOrThrow(parseAddress(`/ip6/2001:db8:7:${n}::1/tcp/1`))]
    })
    for (const n of [0, 1, 2]) table.seen(at(n), true, 1)
    assert.strictEqual(table.size, 2)
    table.remove(at(0).key)
    table.seen(at(2), true, 2)
    assert.isDefined(table.find(at(2).key))
  })

  it("drops a contact whose new record moves it into a network that is full", () => {
    const table = new BucketTable<TableNode>(own, { capped: true })
    const bucket = nodes.filter((it) => bucketOf(it) === 0)
    const at = (n: number, ip: string): TableNode => ({
      ...node(0, ip),
      key: bucket[n]!.key,
      nodeId: bucket[n]!.nodeId
    })
    table.seen(at(0, "203.0.113.1"), true, 1)
    table.seen(at(1, "203.0.113.2"), true, 1)
    table.seen(at(2, "198.51.100.1"), true, 1)
    table.seen(at(2, "203.0.113.3"), true, 2)
    assert.isUndefined(table.find(bucket[2]!.key))
    assert.strictEqual(table.size, 2)
  })

  it("counts a contact whose addresses changed as not verified, and one that only renewed its record as before", () => {
    const table = new BucketTable<TableNode>(own, { capped: false })
    table.seen(node(1), true, 10)
    table.seen(node(1), false, 20)
    assert.strictEqual(table.find(node(1).key)?.verifiedAt, 10)
    table.seen(node(1, "10.9.9.9"), false, 30)
    assert.strictEqual(table.find(node(1).key)?.verifiedAt, Number.NEGATIVE_INFINITY)
    table.seen(node(1, "10.9.9.9"), true, 40)
    assert.strictEqual(table.find(node(1).key)?.verifiedAt, 40)
  })

  it("lets nobody wait for a place that it has", () => {
    const table = new BucketTable<TableNode>(own, { capped: true })
    const far = Array.from({ length: 3_000 }, (_, n) => n).filter((n) => commonPrefixLength(own, idOf(n)) === 0)
    const alike = (n: number) => node(n, `10.0.0.${n % 250}`)
    const crowd = far.slice(2, 2 + K)
    // A full bucket; two of one network wait for it, one of them comes again when there is room.
    for (const n of crowd) table.seen(node(n), true, 1)
    const [late, later] = [alike(far[0]!), alike(far[1]!)]
    table.seen(late, true, 2)
    table.seen(later, true, 2)
    assert.strictEqual(table.waiting, 2)
    for (const n of crowd.slice(0, 2)) table.remove(node(n).key)
    assert.strictEqual(table.waiting, 0)
    table.seen(late, true, 3)
    assert.strictEqual([...table.entries()].filter((it) => it.contact.key === late.key).length, 1)
  })
})
