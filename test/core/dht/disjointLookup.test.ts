/** Lookups on several paths, and with peers that are slow, held to a naive model over generated networks and liars. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { type Ask, Lookup, PATHS, REQUESTS, SLOW } from "#core/dht/Lookup"
import type { LookupNode } from "#core/dht/LookupPaths"
import { keyOf } from "#schemas/bytes/bytes"
import { byDistance, naiveLookup } from "./naiveLookup.ts"

const node = (n: number): LookupNode => {
  const nodeId = new Uint8Array(createHash("sha256").update(`disjoint ${n}`).digest())
  return { key: keyOf(nodeId), nodeId }
}

const NODES = 90
/** Made up by liars: a few answer with more of their kind, the others are not there. */
const FAKES = 30
const everybody = Array.from({ length: NODES + FAKES }, (_, n) => node(n))
const [honest, fakes] = [everybody.slice(0, NODES), everybody.slice(NODES)]
const target = node(-1).nodeId
const own = node(-2)

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Setting = Schema.Struct({ paths: int(1, PATHS), settle: Schema.Literals([1, 3, 20]), patient: Schema.Boolean })
const Seeds = Arbitrary.array(Arbitrary.schema(int(0, NODES - 1)), { minLength: 1, maxLength: 20 })
const Liars = Arbitrary.array(Arbitrary.schema(int(0, NODES - 1)), { maxLength: 20 })
const Event = Schema.Struct({
  /** Which of the open requests, and what comes of it. */
  at: int(0, 30),
  what: Schema.Literals(["answer", "answer", "answer", "fail", "slow", "late"])
})
const Events = Arbitrary.array(Arbitrary.schema(Event), { minLength: 20, maxLength: 200 })
const nodesOf = (numbers: ReadonlyArray<number>) => [...new Set(numbers)].map((n) => everybody[n]!)

/** What each node knows depends on itself; a liar names fakes that are closer than anybody it knows. */
const answerOf = (asked: LookupNode, liars: ReadonlySet<string>): ReadonlyArray<LookupNode> | undefined => {
  if (fakes.includes(asked)) return asked.nodeId[3]! % 4 === 0 ? byDistance(fakes, target).slice(0, 10) : undefined
  if (liars.has(asked.key)) return byDistance(fakes, target).slice(0, 10)
  const known = honest.filter((other) => (other.nodeId[0]! + asked.nodeId[1]!) % 3 === 0)
  return byDistance(known, target).slice(0, 20)
}

interface Run {
  readonly lookup: Lookup<LookupNode>
  readonly seeds: ReadonlyArray<LookupNode>
  readonly asked: ReadonlyArray<Ask<LookupNode>>
  /** What was answered, and by which path that was asked. */
  readonly answers: ReadonlyArray<{ readonly path: number; readonly nodes: ReadonlyArray<LookupNode> }>
}

/** Drives a lookup and its model side by side through the same events, and then on until both are done. */
const run = (
  setting: typeof Setting.Type,
  seeds: ReadonlyArray<LookupNode>,
  liars: ReadonlySet<string>,
  events: ReadonlyArray<typeof Event.Type>
): Run => {
  const options = {
    ...setting,
    target,
    k: 20,
    ownKey: own.key,
    isConnected: (key: string) => key.charCodeAt(5) % 5 === 0
  }
  const [lookup, model] = [new Lookup<LookupNode>(options, seeds), naiveLookup<LookupNode>(options, seeds)]
  const asked: Array<Ask<LookupNode>> = []
  const answers: Array<{ path: number; nodes: ReadonlyArray<LookupNode> }> = []
  const open: Array<Ask<LookupNode>> = []
  const slow = new Set<string>()
  for (let step = 0; step < 1_000; step++) {
    const asks = lookup.next()
    assert.deepStrictEqual(asks, model.next())
    asked.push(...asks)
    open.push(...asks)
    assert.strictEqual(lookup.isDone(), model.isDone())
    assert.deepStrictEqual(lookup.closest(), model.closest())
    if (lookup.isDone() || open.length === 0) break
    const { at, what } = events[step] ?? { at: 0, what: "answer" as const }
    const index = at % open.length
    const { contact, path } = open[index]!
    if (what === "slow") {
      if (slow.size < SLOW && !slow.has(contact.key)) {
        lookup.slow(contact.key)
        model.slow(contact.key)
        slow.add(contact.key)
      }
      continue
    }
    if (what === "late") {
      lookup.late(contact.key)
      model.late(contact.key)
      continue
    }
    open.splice(index, 1)
    slow.delete(contact.key)
    const nodes = what === "fail" ? undefined : answerOf(contact, liars)
    if (nodes === undefined) {
      lookup.failed(contact.key)
      model.failed(contact.key)
    } else {
      answers.push({ path, nodes })
      lookup.answered(contact.key, nodes)
      model.answered(contact.key, nodes)
    }
  }
  return { lookup, seeds, asked, answers }
}

describe("Lookup on disjoint paths", () => {
  it.prop(
    "asks whom its model asks, in the same order, is done when it is, and finds the same",
    [Setting, Seeds, Liars, Events],
    ([setting, seeds, liars, events]) => {
      const { asked, lookup } = run(setting, nodesOf(seeds), new Set(nodesOf(liars).map((it) => it.key)), events)
      assert.isTrue(lookup.isDone())
      assert.isAtMost(asked.length, REQUESTS)
    },
    { arbitrary: { runs: 80 } }
  )

  it.prop(
    "asks nobody twice, and on each path only whom it began with or its own peers named",
    [Setting, Seeds, Liars, Events],
    ([setting, seeds, liars, events]) => {
      const known = nodesOf(seeds)
      const { answers, asked } = run(setting, known, new Set(nodesOf(liars).map((it) => it.key)), events)
      assert.strictEqual(new Set(asked.map(({ contact }) => contact.key)).size, asked.length)
      const dealt = byDistance(known, target)
      for (const { contact, path } of asked) {
        const named = answers.some((it) => it.path === path && it.nodes.includes(contact))
        const began = dealt.indexOf(contact)
        assert.isTrue(named || (began >= 0 && began % setting.paths === path))
      }
    },
    { arbitrary: { runs: 40 } }
  )

  it("goes on past a peer that leads one path astray, which one path alone does not survive", () => {
    // Of the two nodes to begin with the closer one lies, and those it names tell nothing.
    const [liar, guide, goal] = byDistance(honest, target).slice(0, 3).reverse() as [LookupNode, LookupNode, LookupNode]
    const seeds = byDistance([liar, guide], target)
    const found = (paths: number) => {
      const lookup = new Lookup<LookupNode>({ target, k: 1, paths, ownKey: own.key }, seeds)
      for (let asks = lookup.next(); asks.length > 0 && !lookup.isDone(); asks = lookup.next())
        for (const { contact } of asks) lookup.answered(contact.key, contact === guide ? [goal] : [])
      return lookup.closest()[0]
    }
    assert.strictEqual(found(2), goal)
    assert.strictEqual(found(1), seeds[0] === guide ? goal : seeds[0])
  })

  it("gives each path its share of the three requests at one time", () => {
    const lookup = new Lookup<LookupNode>({ target, k: 20, paths: 3, ownKey: own.key }, honest.slice(0, 20))
    assert.deepStrictEqual(
      lookup.next().map(({ path }) => path),
      [0, 1, 2]
    )
  })

  it("asks another for a peer that is slow, ends without it, and still takes its answer until then", () => {
    const seeds = byDistance(honest, target)
    const lookup = new Lookup<LookupNode>({ target, k: 2, ownKey: own.key }, seeds)
    const [first, second] = lookup.next()
    assert.isTrue(lookup.slow(first!.contact.key))
    assert.isFalse(lookup.slow(first!.contact.key))
    assert.strictEqual(lookup.next()[0]?.contact, seeds[2])
    lookup.answered(second!.contact.key, [])
    assert.isFalse(lookup.isDone())
    lookup.answered(seeds[2]!.key, [])
    assert.isTrue(lookup.isDone())
    assert.deepStrictEqual(lookup.closest(), [seeds[1], seeds[2]])
    assert.deepStrictEqual(lookup.candidates(3), [seeds[1], seeds[2], seeds[3]])
    lookup.answered(first!.contact.key, [])
    assert.deepStrictEqual(lookup.closest(), [seeds[0], seeds[1]])
    assert.strictEqual(lookup.failures, 0)
  })

  it("waits for slow peers where it is patient, until they are late", () => {
    const seeds = byDistance(honest, target).slice(0, 2)
    const lookup = new Lookup<LookupNode>({ target, k: 2, patient: true, ownKey: own.key }, seeds)
    for (const { contact } of lookup.next()) lookup.slow(contact.key)
    lookup.answered(seeds[1]!.key, [])
    assert.isFalse(lookup.isDone())
    lookup.late(seeds[0]!.key)
    assert.isTrue(lookup.isDone())
    assert.strictEqual(lookup.failures, 1)
  })

  it("takes it for its own line when too many are slow, and waits", () => {
    const lookup = new Lookup<LookupNode>({ target, k: 60, ownKey: own.key }, honest)
    const open = []
    for (let asks = lookup.next(); open.length <= SLOW; asks = lookup.next()) {
      open.push(...asks)
      const refused = asks.filter(({ contact }) => !lookup.slow(contact.key))
      if (refused.length > 0) break
    }
    assert.isAbove(open.length, SLOW)
    assert.strictEqual(lookup.failures, SLOW)
    assert.isFalse(lookup.isDone())
  })
})
