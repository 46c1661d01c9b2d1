import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { encode } from "multiformats/block"
import * as raw from "multiformats/codecs/raw"
import { sha256 as multiformatsSha256 } from "multiformats/hashes/sha2"
import { DagBuilder } from "#core/content/DagBuilder"
import { heightFor, lengthUnder, misshapen } from "#core/content/dagShape"
import { keyOf } from "#schemas/bytes/bytes"
import { type Cid, cidText, codecOf, DAG_CBOR, digestOf, RAW } from "#schemas/content/Cid"
import { CHILDREN_LIMIT, LEAF_LENGTH, read } from "#schemas/content/DagNode"

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest())

interface Dag {
  readonly root: Cid
  /** By digest, so that equal nodes count once. */
  readonly nodes: ReadonlyMap<string, Uint8Array>
}

/** A DAG over leaves that are all alike but the last: 8 GiB of content is one hash away. */
const dagOf = (full: number, last: number): Dag => {
  const builder = new DagBuilder(memoised)
  const nodes = new Map<string, Uint8Array>()
  const keep = (blocks: ReadonlyArray<Uint8Array>) => {
    for (const block of blocks) nodes.set(keyOf(sha256(block)), block)
  }
  for (let index = 0; index < full; index++) keep(builder.add(FULL_LEAF))
  if (last > 0) keep(builder.add(FULL_LEAF.subarray(0, last)))
  const root = builder.finish()
  keep(root.nodes)
  return { root: root.cid, nodes }
}

const FULL_LEAF = new Uint8Array(LEAF_LENGTH)
const FULL_DIGEST = sha256(FULL_LEAF)
const memoised = (bytes: Uint8Array) => (bytes === FULL_LEAF ? FULL_DIGEST : sha256(bytes))

/** Walks it as a reader does; answers the bytes and leaves found, or fails the test at the first misshapen node. */
const walk = (dag: Dag): { readonly length: number; readonly leaves: number } => {
  if (codecOf(dag.root) === RAW) return { length: Number.NaN, leaves: 1 }
  const childrenOf = (cid: Cid) => Result.getOrThrow(read(dag.nodes.get(keyOf(digestOf(cid)))!)).children
  const below = (cid: Cid, length: number, height: number): number => {
    if (height === 0) return 1
    const children = childrenOf(cid)
    assert.strictEqual(misshapen(children, length, height), undefined)
    return children.reduce((sum, child) => sum + below(child.cid, child.size, height - 1), 0)
  }
  const length = lengthUnder(childrenOf(dag.root))!
  return { length, leaves: below(dag.root, length, heightFor(length)) }
}

describe("DagBuilder", () => {
  it("gives content of one leaf the CID that multiformats computes", async () => {
    const bytes = new TextEncoder().encode("hello allium")
    const builder = new DagBuilder(sha256)
    builder.add(bytes)
    const block = await encode({ value: bytes, codec: raw, hasher: multiformatsSha256 })
    assert.strictEqual(cidText(builder.finish().cid), block.cid.toString())
  })

  it("makes one node above two leaves, and needs no node for one", () => {
    assert.strictEqual(codecOf(dagOf(1, 0).root), RAW)
    const two = dagOf(1, 1)
    assert.strictEqual(codecOf(two.root), DAG_CBOR)
    assert.deepStrictEqual(walk(two), { length: LEAF_LENGTH + 1, leaves: 2 })
  })

  for (const [full, last, nodes] of [
    [CHILDREN_LIMIT - 1, 1, 1],
    [CHILDREN_LIMIT, 0, 1],
    [CHILDREN_LIMIT, 1, 3],
    [3 * CHILDREN_LIMIT, 77, 3],
    [CHILDREN_LIMIT ** 2, 5, 5]
  ] as const) {
    it(`builds the shape that ${full} full leaves and ${last} bytes ask for`, () => {
      const dag = dagOf(full, last)
      assert.deepStrictEqual(walk(dag), {
        length: full * LEAF_LENGTH + last,
        leaves: full + (last > 0 ? 1 : 0)
      })
      assert.strictEqual(dag.nodes.size, nodes)
    })
  }

  it("hands out a node as soon as it is full", () => {
    const builder = new DagBuilder(memoised)
    const counts = Array.from({ length: CHILDREN_LIMIT }, () => builder.add(FULL_LEAF).length)
    assert.deepStrictEqual([counts.slice(0, -1).every((count) => count === 0), counts.at(-1)], [true, 1])
  })
})

describe("dagShape", () => {
  const children = Result.getOrThrow(read([...dagOf(2, 10).nodes.values()][0]!)).children
  const length = 2 * LEAF_LENGTH + 10

  it("accepts what the builder made", () => assert.strictEqual(misshapen(children, length, 1), undefined))

  it("refuses a missing child, lengths that do not add up, and a child of the wrong kind", () => {
    assert.match(misshapen(children.slice(1), length, 1) ?? "", /children/)
    const shifted = children.map((child, index) => ({ ...child, size: child.size + (index === 0 ? -1 : 1) }))
    assert.match(misshapen(shifted, length, 1) ?? "", /add up/)
    const deep = [
      { ...children[0]!, size: LEAF_LENGTH * CHILDREN_LIMIT },
      { ...children[1]!, size: 1 }
    ]
    assert.match(misshapen(deep, LEAF_LENGTH * CHILDREN_LIMIT + 1, 2) ?? "", /leaf/)
  })

  it("knows no root for content of one leaf, and none beyond 2^53 bytes", () => {
    assert.strictEqual(lengthUnder([{ ...children[0]!, size: 100 }]), undefined)
    const huge = { ...children[0]!, size: Number.MAX_SAFE_INTEGER }
    assert.strictEqual(lengthUnder([huge, huge]), undefined)
    assert.strictEqual(heightFor(Number.MAX_SAFE_INTEGER), 5)
  })
})
