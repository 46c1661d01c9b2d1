/**
 * Payloads of the frames RPC_REQ, RPC_RES, DHT_REQ and DHT_RES (WIRE §2), big-endian.
 *
 *   request   0  4  id, chosen by the asker
 *             4     CBOR [method, body…]
 *   answer    0  4  id of the request
 *             4  1  status: 0 ok, 1 error
 *             5     CBOR of the body, or of [tag, detail, data]
 *
 * The CBOR stays as it came, a view, for the one who knows the method; `readCall` opens a request of RPC, `DhtMessage`
 * one of the DHT.
 */
import { Result } from "effect"
import { allocate } from "#schemas/bytes/bytes"
import { decodeArray, encodeMessage } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isTextUpTo } from "#schemas/bytes/fields"
import { type RpcFailureFields, read as readFailure, write as writeFailureBody } from "./RpcFailure.ts"

/** Bytes of a method's name, at most. */
export const METHOD_LIMIT = 64

/** The method that every node answers: [] → [] (WIRE §6). */
export const PING = "Ping"

const OK = 0
const ERROR = 1

/** First byte of the body of an RPC or DHT envelope; behind it stands the payload of the frame it stands for. */
export const REQUEST_KIND = 0
export const ANSWER_KIND = 1

export interface RpcRequest {
  readonly id: number
  readonly body: Uint8Array
}

export type RpcAnswer =
  | { readonly _tag: "Ok"; readonly id: number; readonly body: Uint8Array }
  | { readonly _tag: "Error"; readonly id: number; readonly failure: RpcFailureFields }

/** What a request of RPC asks for. */
export interface RpcCall {
  readonly method: string
  readonly args: ReadonlyArray<CborValue>
}

export const readRequest = (payload: Uint8Array): Result.Result<RpcRequest, string> =>
  payload.length <= 4 ? cutShort : Result.succeed({ id: readId(payload), body: payload.subarray(4) })

export const writeRequest = (id: number, body: Uint8Array): Uint8Array => {
  const payload = allocate(4 + body.length)
  writeId(payload, id)
  payload.set(body, 4)
  return payload
}

export const readAnswer = (payload: Uint8Array): Result.Result<RpcAnswer, string> => {
  if (payload.length <= 5) return cutShort
  const id = readId(payload)
  const body = payload.subarray(5)
  if (payload[4] === OK) return Result.succeed({ _tag: "Ok", id, body })
  if (payload[4] !== ERROR) return Result.fail("unknown status")
  return Result.map(readFailure(body), (failure) => ({ _tag: "Error", id, failure }))
}

export const writeOk = (id: number, body: Uint8Array): Uint8Array => answer(id, OK, body)

export const writeError = (id: number, failure: RpcFailureFields): Uint8Array =>
  answer(id, ERROR, writeFailureBody(failure))

export const readCall = (body: Uint8Array): Result.Result<RpcCall, string> => {
  const decoded = decodeArray(body)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [method, ...args] = decoded.success
  return isTextUpTo(method, METHOD_LIMIT) ? Result.succeed({ method, args }) : Result.fail("malformed method")
}

export const writeCall = (call: RpcCall): Uint8Array => encodeMessage([call.method, ...call.args])

const cutShort = Result.fail("cut short")

const answer = (id: number, status: number, body: Uint8Array): Uint8Array => {
  const payload = allocate(5 + body.length)
  writeId(payload, id)
  payload[4] = status
  payload.set(body, 5)
  return payload
}

/** By hand: a DataView for four bytes would be the dearest part of it. */
const readId = (payload: Uint8Array): number =>
  payload[0]! * 0x100_0000 + ((payload[1]! << 16) | (payload[2]! << 8) | payload[3]!)

const writeId = (payload: Uint8Array, id: number): void => {
  payload[0] = id >>> 24
  payload[1] = id >>> 16
  payload[2] = id >>> 8
  payload[3] = id
}
