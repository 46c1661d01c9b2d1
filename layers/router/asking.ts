/** Questions in envelopes, by either way: a method of a peer's, and the state of a channel. */
import { Effect, Result } from "effect"
import { codecOf } from "#layers/rpc/methodCodec"
import { nodeIdShort } from "#schemas/identity/NodeId"
import type { EnvelopeType } from "#schemas/router/InnerEnvelope"
import { ANSWER_LIMIT, readAnswerIn, readSnapshot, requestBody, writeSnapshotRequest } from "#schemas/router/Question"
import { writeCall } from "#schemas/rpc/RpcMessage"
import { type AskError, type AskOptions, RequestRefused, type RouterHandle } from "#services/router/RouterHandle"
import type { DialTarget } from "#services/session/SessionManager"

type Router = RouterHandle["Service"]

/** The tag of an answer that is none. */
const MALFORMED = "Malformed"

export const makeAsking = (ask: Router["ask"]): Pick<Router, "rpcCall" | "fetchSnapshot"> => {
  const question = <A>(
    type: EnvelopeType,
    peer: DialTarget,
    call: Uint8Array,
    options: AskOptions,
    read: (body: Uint8Array) => Result.Result<A, string>
  ): Effect.Effect<A, AskError | RequestRefused> =>
    Effect.flatMap(ask(peer, { type, body: requestBody(call) }, options), (envelope) => {
      const refused = (tag: string, detail: string) =>
        new RequestRefused({ peer: nodeIdShort(peer.nodeId), tag, detail })
      const answer = readAnswerIn(type, envelope)
      if (Result.isFailure(answer)) return refused(MALFORMED, answer.failure)
      if (answer.success._tag === "Error") return refused(answer.success.failure.tag, answer.success.failure.detail)
      return Effect.fromResult(Result.mapError(read(answer.success.body), (reason) => refused(MALFORMED, reason)))
    })

  return {
    rpcCall: (peer, method, request, options) =>
      Effect.suspend(() => {
        const { encodeRequest, readResponse } = codecOf(method)
        const call = writeCall({ method: method.name, args: [encodeRequest(request)] })
        return question("RPC", peer, call, options, (body) => readResponse(body, { maxBytes: ANSWER_LIMIT }))
      }),
    fetchSnapshot: (peer, channel, frontier, options) =>
      Effect.suspend(() =>
        question("SNAPSHOT", peer, writeSnapshotRequest({ channel, frontier }), options, readSnapshot)
      )
  }
}
