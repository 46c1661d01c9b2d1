/**
 * Payloads of RPC_REQ, DHT_REQ, RPC_RES and DHT_RES (WIRE.md §2). Big-endian.
 *
 *     request   0  4  id       answer   0  4  id
 *               4  …  CBOR              4  1  status   0 ok, 1 error
 *                                       5  …  CBOR     of the method, or [tag, detail, data]
 *
 * Plain functions: every request passes here twice. The CBOR is left to the method's own reader.
 */
import { Result } from "effect"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesList, isTextUpTo, isUint } from "#schemas/bytes/fields"
import { MAX_CLOSER, MAX_DETAIL, MAX_PEER_RECORD, MAX_TAG, MAX_WORK_BITS, RpcFailure } from "./RpcFailure.ts"

/** Bytes of UTF-8 in a method's name. */
export const MAX_METHOD = 64

export interface RequestFrame {
  readonly id: number
  readonly body: Uint8Array
}

export interface AnswerFrame extends RequestFrame {
  readonly ok: boolean
}

const readId = (bytes: Uint8Array): number =>
  ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0

const writeId = (bytes: Uint8Array, id: number): void => {
  bytes[0] = id >>> 24
  bytes[1] = id >>> 16
  bytes[2] = id >>> 8
  bytes[3] = id
}

export const readRequest = (payload: Uint8Array): Result.Result<RequestFrame, string> =>
  payload.length < 5
    ? Result.fail("shorter than a request")
    : Result.succeed({ id: readId(payload), body: payload.subarray(4) })

export const writeRequest = (id: number, body: Uint8Array): Uint8Array => {
  const payload = new Uint8Array(4 + body.length)
  writeId(payload, id)
  payload.set(body, 4)
  return payload
}

export const readAnswer = (payload: Uint8Array): Result.Result<AnswerFrame, string> => {
  if (payload.length < 6) return Result.fail("shorter than an answer")
  const status = payload[4]!
  if (status > 1) return Result.fail("unknown status")
  return Result.succeed({ id: readId(payload), ok: status === 0, body: payload.subarray(5) })
}

export const writeAnswer = (id: number, ok: boolean, body: Uint8Array): Uint8Array => {
  const payload = new Uint8Array(5 + body.length)
  writeId(payload, id)
  payload[4] = ok ? 0 : 1
  payload.set(body, 5)
  return payload
}

/** The first element of a request's array, which names its method: text in RPC_REQ; the rest is the method's. */
export const readMethod = (body: Uint8Array): Result.Result<readonly [string, ReadonlyArray<CborValue>], string> => {
  const values = decodeArray(body)
  if (Result.isFailure(values)) return Result.fail(values.failure)
  const [method, ...rest] = values.success
  return typeof method === "string" && utf8(method).length <= MAX_METHOD
    ? Result.succeed([method, rest])
    : Result.fail("no method")
}

export const writeFailure = (failure: RpcFailure): Uint8Array =>
  encode([clip(failure.tag, MAX_TAG), clip(failure.detail, MAX_DETAIL), failure.closer ?? failure.workBits ?? null])

export const readFailure = (body: Uint8Array): Result.Result<RpcFailure, string> => {
  const values = decodeArray(body)
  if (Result.isFailure(values)) return Result.fail(values.failure)
  const [tag, detail, data] = values.success
  if (!isTextUpTo(tag, MAX_TAG) || tag === "" || !isTextUpTo(detail, MAX_DETAIL)) return Result.fail("not a failure")
  if (tag === "NotClosest") {
    return isBytesList(data, MAX_CLOSER, MAX_PEER_RECORD)
      ? Result.succeed(new RpcFailure({ tag, detail, closer: data }))
      : Result.fail("no contacts in NotClosest")
  }
  if (tag === "WorkRequired") {
    return isUint(data, MAX_WORK_BITS) && data > 0
      ? Result.succeed(new RpcFailure({ tag, detail, workBits: data }))
      : Result.fail("no bits in WorkRequired")
  }
  return Result.succeed(new RpcFailure({ tag, detail }))
}

/** The longest beginning of a text that fits in so many UTF-16 units, without half a surrogate pair. */
const clip = (text: string, max: number): string =>
  text.length <= max ? text : text.slice(0, max).replace(/[\ud800-\udbff]$/, "")
