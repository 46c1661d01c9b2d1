/**
 * Asks single nodes whether they hold a block, and judges what they say: by a challenge where the block is known here,
 * else by having it sent. Whoever answers neither is told with the layer that failed and why.
 */
import { Clock, Duration, Effect, Result } from "effect"
import { proofOf } from "#core/dht/challenge"
import type { Contact } from "#core/identity/Contact"
import { equalBytes } from "#schemas/bytes/bytes"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import { RecordKind } from "#schemas/dht/Record"
import type { HolderAnswer } from "#services/dht/Diagnostics"
import { ExplainDeadline } from "#services/dht/Schedules"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { NOT_FOUND } from "./proving.ts"

export type Verdict = Pick<HolderAnswer, "answer" | "detail" | "milliseconds">

type Said = Omit<Verdict, "milliseconds">

const NOTHING = new Uint8Array(0)
const NONCE_BYTES = 32

/** A node of an earlier version: it has to be asked otherwise. */
const UNKNOWN_METHOD = "UnknownMethod"

export const makeHolderAnswers = Effect.gen(function* () {
  const [suite, random, rpc] = [yield* Crypto, yield* SecureRandom, yield* Rpc]
  const { nodeId } = yield* Identity
  const deadline = yield* ExplainDeadline
  const clock = yield* Clock.Clock

  const judge = (key: Uint8Array, expected: Uint8Array | undefined, answer: DhtAnswer): Said => {
    if (answer._tag === "Proof") {
      return expected !== undefined && equalBytes(answer.proof, expected)
        ? { answer: "holds", detail: "proved it" }
        : { answer: "wrong proof", detail: "its proof is of other content" }
    }
    const [block] = answer._tag === "Values" ? answer.records : []
    if (block === undefined) return { answer: "does not", detail: "it says that it has not" }
    return equalBytes(suite.sha256(block), key)
      ? { answer: "holds", detail: "sent it" }
      : { answer: "wrong proof", detail: "it sent other content" }
  }

  const askFor = Effect.fnUntraced(function* (contact: Contact, key: Uint8Array, block: Uint8Array | undefined) {
    const find: DhtRequest = { _tag: "FindValue", kind: RecordKind.Block, key, minSeq: 0, after: NOTHING }
    if (block === undefined) return judge(key, undefined, yield* rpc.dht(contact, find))
    const nonce = random.bytes(NONCE_BYTES)
    const expected = proofOf(suite.sha256, { nonce, asker: nodeId, holder: contact.nodeId }, block)
    const challenge: DhtRequest = { _tag: "Challenge", kind: RecordKind.Block, key, nonce }
    const answer = yield* Effect.result(rpc.dht(contact, challenge))
    if (Result.isSuccess(answer)) return judge(key, expected, answer.success)
    const error = answer.failure
    if (error._tag !== "RpcFailure" || error.tag !== UNKNOWN_METHOD) return yield* Effect.fail(error)
    return judge(key, undefined, yield* rpc.dht(contact, find))
  })

  return Effect.fnUntraced(function* (contact: Contact, key: Uint8Array, block: Uint8Array | undefined) {
    const start = clock.currentTimeMillisUnsafe()
    const said = yield* askFor(contact, key, block).pipe(
      Effect.catch((error) => Effect.succeed(failureOf(error))),
      Effect.timeoutOrElse({
        duration: deadline,
        orElse: () =>
          Effect.succeed<Said>({ answer: "silent", detail: `rpc: no answer in ${Duration.format(deadline)}` })
      })
    )
    return { ...said, milliseconds: clock.currentTimeMillisUnsafe() - start } satisfies Verdict
  })
})

/** Which layer it was, and what it says. */
const failureOf = (error: RpcError): Said => {
  switch (error._tag) {
    case "ConnectFailed":
      return { answer: "silent", detail: `${error.layer}: ${error.reason}` }
    case "RpcTimeout":
      return { answer: "silent", detail: `rpc: no answer in ${error.milliseconds} ms` }
    case "RpcInterrupted":
      return { answer: "silent", detail: `session: ${error.reason}` }
    case "RpcBusy":
      return { answer: "refused", detail: "rpc: too many requests of ours are waiting there" }
    case "RpcMalformed":
      return { answer: "refused", detail: `rpc: ${error.reason}` }
    case "RpcFailure":
      return error.tag === NOT_FOUND
        ? { answer: "does not", detail: "it says that it has not" }
        : { answer: "refused", detail: `dht: ${error.detail === "" ? error.tag : `${error.tag}, ${error.detail}`}` }
  }
}
