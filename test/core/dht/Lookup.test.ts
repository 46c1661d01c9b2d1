import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { compareDistance } from "#core/dht/distance"
import { ALPHA, Lookup, REQUESTS, WIDEST } from "#core/dht/Lookup"
import { CANDIDATES } from "#core/dht/LookupPath"
import type { LookupNode } from "#core/dht/LookupPaths"
import { keyOf } from "#schemas/bytes/bytes"

const node = (n: number): LookupNode => {
  const nodeId = new Uint8Array(createHash("sha256").update(`node ${n}`).digest())
  return { key: keyOf(nodeId), nodeId }
}
const sorted = (nodes: ReadonlyArray<LookupNode>, target: Uint8Array) =>
  nodes.toSorted((a, b) => compareDistance(target, a.nodeId, b.nodeId))

const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 199 }))
const network = Array.from({ length: 200 }, (_, n) => node(n))
const target = node(-1).nodeId
const start = (seeds: ReadonlyArray<LookupNode>, k = 20, isConnected?: (key: string) => boolean) =>
  new Lookup<LookupNode>(
    isConnected === undefined ? { target, k, ownKey: node(-2).key } : { target, k, ownKey: node(-2).key, isConnected },
    seeds
  )

/** Whom it asks now. */
const asked = (lookup: Lookup<LookupNode>): Array<LookupNode> => lookup.next().map(({ contact }) => contact)

/** Answers in an order of the test's choosing: `picks` says which of the open requests comes back next. */
const drive = (
  lookup: Lookup<LookupNode>,
  answer: (node: LookupNode) => ReadonlyArray<LookupNode> | undefined,
  picks: ReadonlyArray<number> = []
) => {
  const open: Array<LookupNode> = []
  for (let step = 0; ; step++) {
    open.push(...asked(lookup))
    assert.isAtMost(open.length, WIDEST)
    assert.strictEqual(open.length, lookup.inFlight)
    if (lookup.isDone() || open.length === 0) return
    const [next] = open.splice((picks[step % picks.length] ?? 0) % open.length, 1)
    const contacts = answer(next!)
    if (contacts === undefined) lookup.failed(next!.key)
    else lookup.answered(next!.key, contacts)
  }
}

describe("Lookup", () => {
  it.prop(
    "finds the k closest of all live nodes it heard of, whatever the order of answers and whoever is dead",
    [
      Arbitrary.array(Arbitrary.schema(Small), { minLength: 1, maxLength: 40 }),
      Arbitrary.array(Arbitrary.schema(Index), { maxLength: 60 })
    ],
    ([picks, dead]) => {
      const gone = new Set(dead.map((n) => network[n]!.key))
      const heard = new Set(network.slice(0, 6))
      const lookup = start([...heard])
      // each node knows a part of the network, and answers with the 20 closest of them
      const answer = (it: LookupNode) => {
        if (gone.has(it.key)) return undefined
        const known = network.filter((other) => (other.nodeId[0]! + it.nodeId[1]!) % 3 === 0)
        const contacts = sorted(known, target).slice(0, 20)
        for (const contact of contacts) heard.add(contact)
        return contacts
      }
      drive(lookup, answer, picks)
      const live = [...heard].filter((it) => !gone.has(it.key))
      assert.isTrue(lookup.isDone())
      assert.deepStrictEqual(lookup.closest(), sorted(live, target).slice(0, 20))
    },
    { arbitrary: { runs: 60 } }
  )

  it("asks α at first, and ten once α answers brought nobody closer", () => {
    const seeds = sorted(
      Array.from({ length: 40 }, (_, n) => node(n)),
      target
    )
    const lookup = start(seeds)
    const open = asked(lookup)
    assert.deepStrictEqual(open, seeds.slice(0, ALPHA))
    assert.deepStrictEqual(lookup.next(), [])
    for (const it of open) lookup.answered(it.key, [])
    assert.strictEqual(lookup.next().length, WIDEST)
  })

  it("asks no more at one time than it is told to, stalled or not, until the closest has answered", () => {
    const seeds = sorted(
      Array.from({ length: 40 }, (_, n) => node(n)),
      target
    )
    const lookup = new Lookup<LookupNode>({ target, k: 20, settle: 1, width: 1, ownKey: "" }, seeds.slice(10, 30))
    const met: Array<LookupNode> = []
    while (!lookup.isDone()) {
      const open = asked(lookup)
      assert.strictEqual(open.length, 1)
      assert.deepStrictEqual(lookup.next(), [])
      met.push(open[0]!)
      if (met.length < 5) lookup.failed(open[0]!.key)
      else lookup.answered(open[0]!.key, met.length === 5 ? seeds.slice(0, 3) : [])
    }
    assert.deepStrictEqual(met, [...seeds.slice(10, 15), seeds[0]!])
  })

  it("settles on the k closest without asking anybody farther", () => {
    const seeds = sorted(
      Array.from({ length: 60 }, (_, n) => node(n)),
      target
    )
    const lookup = start(seeds, 5)
    const met: Array<LookupNode> = []
    drive(lookup, (it) => {
      met.push(it)
      return seeds
    })
    assert.deepStrictEqual(sorted(met, target), seeds.slice(0, 5))
    assert.deepStrictEqual(lookup.closest(), seeds.slice(0, 5))
  })

  it("replaces nodes that fail by the next closest", () => {
    const seeds = sorted(
      Array.from({ length: 60 }, (_, n) => node(n)),
      target
    )
    const dead = new Set(seeds.slice(0, 7).map((it) => it.key))
    const lookup = start(seeds, 5)
    drive(lookup, (it) => (dead.has(it.key) ? undefined : []))
    assert.deepStrictEqual(lookup.closest(), seeds.slice(7, 12))
    assert.strictEqual(lookup.failures, 7)
  })

  it("asks connected nodes first among the equally close, never a farther class before a closer one", () => {
    const seeds = sorted(
      Array.from({ length: 40 }, (_, n) => node(n)),
      target
    )
    const far = seeds.filter((it) => ((it.nodeId[0]! ^ target[0]!) & 0x80) !== 0)
    const favourite = far[far.length - 1]!
    const alone = start(far, 40, (key) => key === favourite.key)
    assert.strictEqual(asked(alone)[0], favourite)
    const mixed = start(seeds, 40, (key) => key === favourite.key)
    assert.notStrictEqual(asked(mixed)[0], favourite)
  })

  it("counts the hops to the closest node", () => {
    const chain = sorted(
      Array.from({ length: 10 }, (_, n) => node(n)),
      target
    ).reverse()
    const lookup = start(chain.slice(0, 1))
    drive(lookup, (it) => chain.slice(chain.indexOf(it) + 1, chain.indexOf(it) + 2))
    assert.deepStrictEqual(lookup.path(), chain)
  })

  it("ends although every answer invents nodes that are closer", () => {
    let invented = 1_000
    const lookup = start([node(0)])
    drive(lookup, () => Array.from({ length: 20 }, () => node(invented++)))
    assert.isTrue(lookup.isDone() || lookup.requests === REQUESTS)
    assert.isAtMost(lookup.requests, REQUESTS)
    assert.isAtMost(lookup.closest().length, 20)
    assert.isAbove(invented, CANDIDATES)
  })

  it("is done at once where nobody is known, and ignores answers nobody asked for", () => {
    const lookup = start([])
    assert.isTrue(lookup.isDone())
    lookup.answered(node(5).key, [node(6)])
    assert.deepStrictEqual(lookup.next(), [])
    assert.deepStrictEqual(lookup.path(), [])
  })

  it("never asks itself", () => {
    assert.deepStrictEqual(start([node(-2)]).next(), [])
  })
})
