/**
 * Bodies of the envelopes that ask and answer (WIRE §5).
 *
 *   RPC, DHT, SNAPSHOT   kind u8: 0 request, 1 answer
 *                        id u32 ‖ …   as in RPC_REQ and RPC_RES (DHT_REQ and DHT_RES)
 *   SNAPSHOT             request: CBOR [channel 32, [head 32 ≤ 64]], the heads ascending; answer: CBOR [snapshot]
 *
 * The id says nothing: an answer is known by the message id of its request, whichever way it comes. It is written as 0
 * and repeated in the answer, so that askers cannot be told apart by how they count.
 */
import { Result } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { isArrayUpTo, isBytesOf } from "#schemas/bytes/fields"
import { ANSWER_KIND, REQUEST_KIND, type RpcAnswer, readAnswer, writeRequest } from "#schemas/rpc/RpcMessage"
import type { EnvelopeType, InnerEnvelopeFields } from "./InnerEnvelope.ts"

/** Heads of a frontier. */
export const HEADS_LIMIT = 64

/** Of an answer: eight cells of the largest class hold less. */
export const ANSWER_LIMIT = 2 ** 19

const ID = 0
const HASH_LENGTH = 32

const types: ReadonlySet<EnvelopeType> = new Set<EnvelopeType>(["RPC", "DHT", "SNAPSHOT"])

/** Of an envelope whose type has kinds; undefined for all others, and for kinds of another version. */
export const kindOf = ({ body, type }: InnerEnvelopeFields): "request" | "answer" | undefined => {
  if (!types.has(type)) return undefined
  if (body[0] === REQUEST_KIND) return "request"
  return body[0] === ANSWER_KIND ? "answer" : undefined
}

/** `call` is what stands behind the id in a request's frame. */
export const requestBody = (call: Uint8Array): Uint8Array =>
  concatBytes([Uint8Array.of(REQUEST_KIND), writeRequest(ID, call)])

/** `payload` is that of an answer's frame. */
export const answerBody = (payload: Uint8Array): Uint8Array => concatBytes([Uint8Array.of(ANSWER_KIND), payload])

/** The answer in an envelope of the type that was asked; or the word of refusal. */
export const readAnswerIn = (type: EnvelopeType, envelope: InnerEnvelopeFields): Result.Result<RpcAnswer, string> => {
  if (envelope.type !== type || kindOf(envelope) !== "answer") return Result.fail("not an answer")
  return Result.flatMap(readAnswer(envelope.body.subarray(1)), (answer) =>
    answer.id === ID ? Result.succeed(answer) : Result.fail("the answer to another request")
  )
}

export interface SnapshotRequest {
  readonly channel: Uint8Array
  readonly frontier: ReadonlyArray<Uint8Array>
}

/** What stands behind the id. */
export const writeSnapshotRequest = ({ channel, frontier }: SnapshotRequest): Uint8Array => encode([channel, frontier])

export const readSnapshotRequest = (call: Uint8Array): Result.Result<SnapshotRequest, string> =>
  Result.flatMap(decodeArray(call), ([channel, frontier]) => {
    if (!isBytesOf(channel, HASH_LENGTH) || !isArrayUpTo(frontier, HEADS_LIMIT)) return malformed
    return frontier.every((head) => isBytesOf(head, HASH_LENGTH)) ? Result.succeed({ channel, frontier }) : malformed
  })

export const writeSnapshot = (snapshot: Uint8Array): Uint8Array => encode([snapshot])

/** From an answer's body. */
export const readSnapshot = (body: Uint8Array): Result.Result<Uint8Array, string> =>
  Result.flatMap(decodeArray(body, { maxBytes: ANSWER_LIMIT }), ([snapshot]) =>
    snapshot instanceof Uint8Array ? Result.succeed(snapshot) : Result.fail("not a snapshot")
  )

const malformed = Result.fail("malformed request of a snapshot")
