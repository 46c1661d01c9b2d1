import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as DhtMessage from "#schemas/dht/DhtMessage"
import { INNER_LIMIT } from "#schemas/session/Frame"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))
const id = counting(32)
const none = new Uint8Array(0)

const readers: Record<
  DhtMessage.DhtAnswer["_tag"],
  (bytes: Uint8Array) => Result.Result<DhtMessage.DhtAnswer, string>
> = {
  Nodes: DhtMessage.readNodes,
  Values: DhtMessage.readValues,
  Stored: DhtMessage.readStored,
  Proof: DhtMessage.readProof,
  Differences: DhtMessage.readDifferences
}

it.effect.prop("a request decodes to what was encoded", [DhtMessage.DhtRequest], ([request]) =>
  roundTrip(DhtMessage.DhtRequestFromBytes)(request)
)

it.prop("an answer reads as what was written", [DhtMessage.DhtAnswer], ([answer]) => {
  assert.deepStrictEqual(succeeded(readers[answer._tag](DhtMessage.writeAnswer(answer))), answer)
})

it.prop("random bytes never make a reader throw", [Schema.Uint8Array], ([bytes]) => {
  for (const read of [DhtMessage.readRequest, ...Object.values(readers)]) read(bytes)
})

const requests: ReadonlyArray<readonly [DhtMessage.DhtRequest, string]> = [
  [{ _tag: "FindNode", target: id }, `82015820${hexOf(id)}`],
  [{ _tag: "FindValue", kind: 1, key: id, minSeq: 7, after: none }, `8502015820${hexOf(id)}0740`],
  [{ _tag: "FindValue", kind: 2, key: id, minSeq: 0, after: id }, `8502025820${hexOf(id)}005820${hexOf(id)}`],
  [{ _tag: "Store", kind: 0, record: Uint8Array.of(9), ttl: 60, work: none }, "8503004109183c40"],
  [{ _tag: "Store", kind: 0, record: none, ttl: 0, work: counting(8) }, `850300400048${hexOf(counting(8))}`],
  [{ _tag: "AddProvider", record: Uint8Array.of(9) }, "82044109"],
  [{ _tag: "GetProviders", key: id, after: none }, `83055820${hexOf(id)}40`],
  [
    { _tag: "Challenge", kind: 1, key: id, nonce: counting(32, 64) },
    `8406015820${hexOf(id)}5820${hexOf(counting(32, 64))}`
  ],
  [
    { _tag: "Ranges", radius: id, ranges: [{ bits: 256, prefix: id, digest: counting(32, 64) }] },
    `83075820${hexOf(id)}81831901005820${hexOf(id)}5820${hexOf(counting(32, 64))}`
  ]
]
for (const [request, layout] of requests) {
  it(`${request._tag} of ${layout.length / 2} bytes has the layout of the specification`, () => {
    const bytes = DhtMessage.writeRequest(request)
    assert.strictEqual(hexOf(bytes), layout)
    assert.deepStrictEqual(succeeded(DhtMessage.readRequest(bytes)), request)
    withstands(DhtMessage.readRequest, bytes)
  })
}

it("answers have the layout of the specification", () => {
  const one = Uint8Array.of(1)
  const answers: ReadonlyArray<readonly [DhtMessage.DhtAnswer, string]> = [
    [{ _tag: "Nodes", peers: [one] }, "81814101"],
    [{ _tag: "Values", records: [one], peers: [], more: true }, "8381410180f5"],
    [{ _tag: "Stored", heldSeq: 1, expires: 2 }, "820102"],
    [{ _tag: "Stored", heldSeq: 1, expires: 2, placed: { reached: 3, factor: 5 } }, "8401020305"],
    [{ _tag: "Proof", proof: id }, `815820${hexOf(id)}`],
    [
      {
        _tag: "Differences",
        ranges: [{ bits: 3, prefix: id, digest: id }],
        entries: [
          { kind: 2, key: id, digest: counting(32, 64), expires: 0 },
          { kind: 2, key: id, digest: counting(32, 64), expires: 7 }
        ]
      },
      `82818303${`5820${hexOf(id)}`.repeat(2)}82${["83", "84"]
        .map((head) => `${head}025820${hexOf(id)}5820${hexOf(counting(32, 64))}`)
        .join("")}07`
    ]
  ]
  for (const [answer, layout] of answers) {
    assert.strictEqual(hexOf(DhtMessage.writeAnswer(answer)), layout)
    withstands(readers[answer._tag], DhtMessage.writeAnswer(answer))
  }
})

it("elements of a later version are ignored", () => {
  assert.deepStrictEqual(succeeded(DhtMessage.readRequest(encode([1, id, "new"]))), { _tag: "FindNode", target: id })
  assert.deepStrictEqual(succeeded(DhtMessage.readStored(encode([1, 2, "new"]))), {
    _tag: "Stored",
    heldSeq: 1,
    expires: 2
  })
})

it("lists are accepted at their limit and refused one above", () => {
  const many = (count: number, length: number) => new Array<Uint8Array>(count).fill(new Uint8Array(length))
  assert.isTrue(Result.isSuccess(DhtMessage.readNodes(encode([many(20, 1024)]))))
  assert.strictEqual(refusal(DhtMessage.readNodes(encode([many(21, 1)]))), "malformed message")
  assert.strictEqual(refusal(DhtMessage.readNodes(encode([many(1, 1025)]))), "malformed message")
  assert.isTrue(Result.isSuccess(DhtMessage.readValues(encode([many(64, 1), many(20, 1), false]))))
  assert.strictEqual(refusal(DhtMessage.readValues(encode([many(65, 1), [], false]))), "malformed message")
  assert.strictEqual(refusal(DhtMessage.readValues(encode([[], many(21, 1), false]))), "malformed message")
  assert.strictEqual(refusal(DhtMessage.readValues(encode([many(1, 60 * 1024 + 1), [], false]))), "malformed message")
})

it("ranges and entries are accepted at their limit, refused one above, and fit into a frame at any rate", () => {
  const ranges = (count: number) => new Array<CborValue>(count).fill([256, id, id])
  const entries = (count: number) => new Array<CborValue>(count).fill([10, id, id, 2 ** 40])
  const most = encode([ranges(256), entries(400)])
  assert.isTrue(Result.isSuccess(DhtMessage.readDifferences(most)))
  assert.isBelow(most.length, INNER_LIMIT - 16)
  assert.strictEqual(refusal(DhtMessage.readDifferences(encode([ranges(257), []]))), "malformed message")
  assert.strictEqual(refusal(DhtMessage.readDifferences(encode([[], entries(401)]))), "malformed message")
  assert.isTrue(Result.isSuccess(DhtMessage.readRequest(encode([7, id, ranges(256)]))))
  assert.strictEqual(refusal(DhtMessage.readRequest(encode([7, id, ranges(257)]))), "malformed message")
})

it("elements that a later version appends to a range or an entry are ignored", () => {
  assert.deepStrictEqual(
    succeeded(DhtMessage.readDifferences(encode([[[3, id, id, "new"]], [[0, id, id, 9, "new"]]]))),
    {
      _tag: "Differences",
      ranges: [{ bits: 3, prefix: id, digest: id }],
      entries: [{ kind: 0, key: id, digest: id, expires: 9 }]
    }
  )
})

const cases: ReadonlyArray<readonly [name: string, body: ReadonlyArray<CborValue>, reason: string]> = [
  ["no method", [], "unknown method"],
  ["a method of the future", [9, id], "unknown method"],
  ["a method that is text", ["FindNode", id], "unknown method"],
  ["a short target", [1, counting(31)], "malformed message"],
  ["an unknown kind", [2, 11, id, 0, none], "malformed message"],
  ["an after of 31 bytes", [2, 1, id, 0, counting(31)], "malformed message"],
  ["a negative minSeq", [2, 1, id, -1, none], "malformed message"],
  ["work of 7 bytes", [3, 0, none, 0, counting(7)], "malformed message"],
  ["a record that is text", [4, "record"], "malformed message"],
  ["a key that is missing", [5], "malformed message"],
  ["a challenge of an unknown kind", [6, 11, id, id], "malformed message"],
  ["a nonce of 31 bytes", [6, 0, id, counting(31)], "malformed message"],
  ["a radius that is missing", [7], "malformed message"],
  ["ranges that are missing", [7, id], "malformed message"],
  ["a range beyond the bits of a key", [7, id, [[257, id, id]]], "malformed message"],
  ["a range that is no array", [7, id, [3]], "malformed message"],
  ["a range without a digest", [7, id, [[3, id]]], "malformed message"]
]
for (const [name, body, reason] of cases) {
  it(`${name} is refused`, () => assert.strictEqual(refusal(DhtMessage.readRequest(encode(body))), reason))
}
