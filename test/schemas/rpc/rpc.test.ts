import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as RpcFailure from "#schemas/rpc/RpcFailure"
import * as RpcMessage from "#schemas/rpc/RpcMessage"
import { counting, refusal, withstands } from "../malformed.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))
const Id = Schema.Int.check(Schema.isUint32())

describe("RpcMessage", () => {
  it.prop("a request reads as what was written", [Id, Schema.String], ([id, method]) => {
    const name = method.toWellFormed().slice(0, 20)
    const call = { method: name.isWellFormed() ? name : "", args: [1, "a"] }
    const request = succeeded(RpcMessage.readRequest(RpcMessage.writeRequest(id, RpcMessage.writeCall(call))))
    assert.strictEqual(request.id, id)
    assert.deepStrictEqual(succeeded(RpcMessage.readCall(request.body)), call)
  })

  it.prop("an answer reads as what was written", [Id, Schema.Uint8Array], ([id, bytes]) => {
    const body = encode(bytes)
    assert.deepStrictEqual(succeeded(RpcMessage.readAnswer(RpcMessage.writeOk(id, body))), { _tag: "Ok", id, body })
  })

  it.prop("random bytes never make a reader throw", [Schema.Uint8Array], ([bytes]) => {
    for (const read of [RpcMessage.readRequest, RpcMessage.readAnswer, RpcMessage.readCall]) read(bytes)
  })

  it("has the layout of the specification", () => {
    const request = RpcMessage.writeRequest(0x80000001, RpcMessage.writeCall({ method: "Ping", args: [] }))
    assert.strictEqual(hexOf(request), "8000000181645069" + "6e67")
    assert.strictEqual(hexOf(RpcMessage.writeOk(258, encode([]))), "000001020080")
    const error = RpcMessage.writeError(0xffffffff, { tag: "T", detail: "d", data: null })
    assert.strictEqual(hexOf(error), "ffffffff018361546164f6")
    assert.strictEqual(succeeded(RpcMessage.readAnswer(error)).id, 0xffffffff)
  })

  it("too few bytes for a head and something behind it are refused", () => {
    for (let length = 0; length <= 4; length++) {
      assert.strictEqual(refusal(RpcMessage.readRequest(new Uint8Array(length))), "cut short")
      assert.strictEqual(refusal(RpcMessage.readAnswer(new Uint8Array(length + 1))), "cut short")
    }
  })

  it("a status that is neither ok nor error is refused", () => {
    assert.strictEqual(refusal(RpcMessage.readAnswer(Uint8Array.of(0, 0, 0, 1, 2, 0x80))), "unknown status")
  })

  it("a method of 65 bytes is refused, also of fewer characters", () => {
    assert.isTrue(Result.isSuccess(RpcMessage.readCall(encode(["m".repeat(64)]))))
    for (const method of ["m".repeat(65), "ü".repeat(33), 1, null]) {
      assert.strictEqual(refusal(RpcMessage.readCall(encode([method]))), "malformed method")
    }
    assert.strictEqual(refusal(RpcMessage.readCall(encode([]))), "malformed method")
  })
})

describe("RpcFailure", () => {
  const written = (failure: RpcFailure.RpcFailureFields) => succeeded(RpcFailure.read(RpcFailure.write(failure)))

  it("NotClosest carries up to 20 PeerRecords, WorkRequired up to 22 bits", () => {
    const peers = new Array<Uint8Array>(20).fill(counting(1024))
    assert.deepStrictEqual(written(RpcFailure.notClosest(peers)), RpcFailure.notClosest(peers))
    assert.deepStrictEqual(written(RpcFailure.workRequired(22)), RpcFailure.workRequired(22))
    const bad: ReadonlyArray<readonly [string, CborValue]> = [
      ["NotClosest", new Array<Uint8Array>(21).fill(counting(1))],
      ["NotClosest", [counting(1025)]],
      ["NotClosest", 1],
      ["WorkRequired", 23],
      ["WorkRequired", null]
    ]
    for (const [tag, data] of bad) {
      assert.strictEqual(refusal(RpcFailure.read(encode([tag, "", data]))), "malformed failure")
    }
  })

  it("data that comes with another tag is left out, both ways", () => {
    assert.isNull(succeeded(RpcFailure.read(encode(["Later", "", [1]]))).data)
    assert.isNull(written({ tag: "Other", detail: "", data: 3 }).data)
  })

  it("a detail that is too long is cut between characters when written, and refused when read", () => {
    assert.strictEqual(written({ tag: "T", detail: "a".repeat(300), data: null }).detail, "a".repeat(256))
    assert.strictEqual(written({ tag: "T", detail: "€".repeat(100), data: null }).detail, "€".repeat(85))
    assert.strictEqual(refusal(RpcFailure.read(encode(["T", "a".repeat(257), null]))), "malformed failure")
    assert.strictEqual(refusal(RpcFailure.read(encode(["t".repeat(65), "", null]))), "malformed failure")
  })

  it("withstands truncation and flipped bits", () => {
    withstands(RpcFailure.read, RpcFailure.write(RpcFailure.notClosest([counting(9)])))
  })

  it.prop("the error class is made of what was read", [RpcFailure.RpcFailure], ([failure]) => {
    const again = new RpcFailure.RpcFailure(written(failure))
    assert.deepStrictEqual([again.tag, again.detail], [failure.tag, failure.detail])
  })
})
