import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Queue, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Contact } from "#core/identity/Contact"
import { type Dispatch, serveEnvelopes } from "#layers/rpc/envelopes"
import { encode } from "#schemas/bytes/Cbor"
import { InnerEnvelope } from "#schemas/router/InnerEnvelope"
import { readAnswerIn, requestBody } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { writeCall } from "#schemas/rpc/RpcMessage"
import { type Incoming, RouterHandle } from "#services/router/RouterHandle"
import { ENVELOPES_SERVED } from "#services/rpc/Limits"
import { settle } from "../../laws/sessionWorld.ts"
import { peer } from "../dht/fixtures.ts"

const ok = encode([1])

/** What was answered: the tag of a refusal, or "ok". */
const served = Effect.fnUntraced(function* (dispatch: Dispatch) {
  const queue = yield* Queue.unbounded<Incoming>()
  const router = Layer.mock(RouterHandle, { incoming: () => Effect.succeed(queue) })
  yield* serveEnvelopes(dispatch).pipe(Effect.provide(router))
  const answers: Array<string> = []
  const bring = (method: string, from?: Contact, room = 3_000, body = requestBody(writeCall({ method, args: [] }))) =>
    Effect.andThen(
      Queue.offer(queue, {
        from,
        room,
        envelope: new InnerEnvelope({ type: "RPC", body }),
        reply: (envelope) =>
          Effect.sync(() => {
            const answer = Result.getOrThrow(readAnswerIn("RPC", envelope))
            assert.isAtMost(envelope.body.length + 2, room)
            answers.push(answer._tag === "Ok" ? "ok" : answer.failure.tag)
          })
      }),
      settle
    )
  return { answers, bring }
})

const always =
  (work: Effect.Effect<Uint8Array, RpcFailure>): Dispatch =>
  () =>
    Result.succeed(work)

const serving = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope>) => it.effect(name, () => body)

describe("requests in envelopes", () => {
  serving(
    "are answered by the method, or told why not",
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { answers, bring } = yield* served((method, _, from) => {
        seen.push(from?.key)
        if (method === "unknown") return undefined
        if (method === "bad") return Result.fail("not a request")
        if (method === "refused") {
          return Result.succeed(Effect.fail(new RpcFailure({ tag: "Unwelcome", detail: "", data: null })))
        }
        if (method === "broken") return Result.succeed(Effect.die(new Error("a secret")))
        if (method === "large") return Result.succeed(Effect.succeed(new Uint8Array(3_000)))
        return Result.succeed(Effect.succeed(ok))
      })
      for (const method of ["fine", "unknown", "bad", "refused", "broken", "large"]) yield* bring(method)
      assert.deepStrictEqual(answers, ["ok", "UnknownMethod", "BadRequest", "Unwelcome", "Failed", "TooLarge"])
      yield* bring("fine", peer("a"))
      assert.deepStrictEqual(seen.at(-1), peer("a").key)
      yield* bring("", undefined, 3_000, Uint8Array.of(0, 0, 0, 0, 0, 0xff, 0xff))
      yield* bring("", undefined, 3_000, Uint8Array.of(0, 0))
      assert.deepStrictEqual(answers.slice(6), ["ok", "BadRequest"])
    })
  )

  serving(
    "are refused beyond a number at one time, of those who are known and of those who are not",
    Effect.gen(function* () {
      const { answers, bring } = yield* served(always(Effect.never))
      for (let n = 0; n < ENVELOPES_SERVED + 2; n++) yield* bring("slow")
      assert.deepStrictEqual(answers, ["Busy", "Busy"])
      for (let n = 0; n < ENVELOPES_SERVED + 1; n++) yield* bring("slow", peer("a"))
      assert.deepStrictEqual(answers, ["Busy", "Busy", "Busy"])
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.strictEqual(answers.length, 3 + 2 * ENVELOPES_SERVED)
      assert.isTrue(answers.slice(3).every((answer) => answer === "Failed"))
      yield* bring("slow")
      assert.strictEqual(answers.length, 3 + 2 * ENVELOPES_SERVED)
    })
  )
})
