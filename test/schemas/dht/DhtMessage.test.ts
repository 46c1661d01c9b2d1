import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as DhtMessage from "#schemas/dht/DhtMessage"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))
const id = counting(32)
const none = new Uint8Array(0)

const readers: Record<
  DhtMessage.DhtAnswer["_tag"],
  (bytes: Uint8Array) => Result.Result<DhtMessage.DhtAnswer, string>
> = { Nodes: DhtMessage.readNodes, Values: DhtMessage.readValues, Stored: DhtMessage.readStored }

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
  [{ _tag: "GetProviders", key: id, after: none }, `83055820${hexOf(id)}40`]
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
    [{ _tag: "Stored", heldSeq: 1, expires: 2 }, "820102"]
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
  ["a key that is missing", [5], "malformed message"]
]
for (const [name, body, reason] of cases) {
  it(`${name} is refused`, () => assert.strictEqual(refusal(DhtMessage.readRequest(encode(body))), reason))
}
