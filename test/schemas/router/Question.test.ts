import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { EnvelopeType } from "#schemas/router/InnerEnvelope"
import * as Question from "#schemas/router/Question"
import { readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { bitFlips, counting, refusal, truncations } from "../malformed.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))
const call = encode(["method", 1])

it("a request is its kind, an id that says nothing, and the call", () => {
  const body = Question.requestBody(call)
  assert.strictEqual(hexOf(body), `0000000000${hexOf(call)}`)
  const { body: read, id } = succeeded(readRequest(body.subarray(1)))
  assert.deepStrictEqual([hexOf(read), id], [hexOf(call), 0])
})

it("an answer is its kind, the request's id, the status and the body", () => {
  const body = Question.answerBody(writeOk(0, encode([7])))
  assert.strictEqual(hexOf(body), "0100000000008107")
})

it("tells requests, answers and what is neither, for types that have kinds only", () => {
  const kindOf = (type: EnvelopeType, ...body: Array<number>) => Question.kindOf({ type, body: Uint8Array.from(body) })
  for (const type of ["RPC", "DHT", "SNAPSHOT"] as const) {
    assert.deepStrictEqual(
      [kindOf(type, 0), kindOf(type, 1), kindOf(type, 2), kindOf(type)],
      ["request", "answer", undefined, undefined]
    )
  }
  for (const type of ["MLS_PAYLOAD", "CRDT_OP", "WELCOME", "ACK"] as const) assert.isUndefined(kindOf(type, 0))
})

it("reads an answer of the type that was asked, a failure as well, and nothing else", () => {
  const ok = { type: "RPC", body: Question.answerBody(writeOk(0, encode([7]))) } as const
  assert.deepInclude(succeeded(Question.readAnswerIn("RPC", ok)), { _tag: "Ok", id: 0 })
  const failure = { tag: "Busy", detail: "later", data: null }
  const error = Question.readAnswerIn("DHT", { type: "DHT", body: Question.answerBody(writeError(0, failure)) })
  assert.deepStrictEqual(succeeded(error), { _tag: "Error", id: 0, failure })
  const another = Question.answerBody(writeOk(1, encode([7])))
  for (const [envelope, reason] of [
    [{ type: "DHT", body: ok.body }, "not an answer"],
    [{ type: "RPC", body: Question.requestBody(call) }, "not an answer"],
    [{ type: "RPC", body: another }, "the answer to another request"]
  ] as const) {
    assert.strictEqual(refusal(Question.readAnswerIn("RPC", envelope)), reason)
  }
  for (const cut of truncations(ok.body)) {
    assert.isTrue(Result.isFailure(Question.readAnswerIn("RPC", { type: "RPC", body: cut })) || cut.length > 6)
  }
})

it("a request of a snapshot names a channel and a frontier of bounded size", () => {
  const request = { channel: counting(32), frontier: [counting(32, 1), counting(32, 2)] }
  const written = Question.writeSnapshotRequest(request)
  assert.deepStrictEqual(succeeded(Question.readSnapshotRequest(written)), request)
  for (const wrong of [
    encode([counting(31), []]),
    encode([counting(32), [counting(33)]]),
    encode([counting(32), Array.from({ length: 65 }, () => counting(32))]),
    encode([counting(32)]),
    encode([[], counting(32)])
  ]) {
    assert.strictEqual(refusal(Question.readSnapshotRequest(wrong)), "malformed request of a snapshot")
  }
  for (const bytes of [...truncations(written), ...bitFlips(written)]) Question.readSnapshotRequest(bytes)
})

it("a snapshot may be larger than a frame", () => {
  const snapshot = new Uint8Array(500_000).fill(3)
  assert.deepStrictEqual(succeeded(Question.readSnapshot(Question.writeSnapshot(snapshot))), snapshot)
  assert.isTrue(Result.isFailure(Question.readSnapshot(Question.writeSnapshot(new Uint8Array(Question.ANSWER_LIMIT)))))
  assert.strictEqual(refusal(Question.readSnapshot(encode([3]))), "not a snapshot")
})

it.prop("random bytes never make the readers throw", [Schema.Uint8Array], ([bytes]) => {
  Question.readSnapshotRequest(bytes)
  Question.readSnapshot(bytes)
  Question.readAnswerIn("RPC", { type: "RPC", body: bytes })
})
