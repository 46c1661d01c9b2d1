/** What a RouterHandle keeps whichever way its envelopes go. */
import { assert, describe, it } from "@effect/vitest"
import type { TestNetwork, TestNode } from "allium/testing"
import { Effect, Fiber, Queue, Schema, type Scope } from "effect"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import type { EnvelopeType, InnerEnvelopeFields } from "#schemas/router/InnerEnvelope"
import { answerBody, readSnapshotRequest, requestBody, writeSnapshot } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { INCOMING_QUEUE } from "#services/router/Limits"
import { type DeliveryPrivacy, type Incoming, RouterHandle } from "#services/router/RouterHandle"
import { Rpc, type RpcMethod } from "#services/rpc/Rpc"

export interface RouterPair {
  readonly network: TestNetwork
  readonly a: TestNode
  readonly b: TestNode
}

const router = <A, E, R>(body: (router: RouterHandle["Service"]) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(RouterHandle, body)

const note = (text: string): InnerEnvelopeFields => ({ type: "CRDT_OP", body: utf8(text) })

const greet: RpcMethod<string, string> = { name: "test/greet", request: Schema.String, response: Schema.String }
const count: RpcMethod<string, number> = { name: "test/greet", request: Schema.String, response: Schema.Int }

export const routerLaws = (privacy: DeliveryPrivacy, pair: Effect.Effect<RouterPair, unknown, Scope.Scope>) => {
  const law = <E>(name: string, body: (pair: RouterPair) => Effect.Effect<void, E, Scope.Scope>) =>
    it.effect(name, () => Effect.scoped(Effect.flatMap(pair, body)))

  const incoming = (node: TestNode, type: EnvelopeType) => node.run(router((it) => it.incoming(type)))
  const send = ({ a, b }: RouterPair, envelope: InnerEnvelopeFields) =>
    a.run(router((it) => it.send(b, envelope, { privacy })))
  const call = <Response>({ a, b }: RouterPair, method: RpcMethod<string, Response>, request: string) =>
    a.run(router((it) => it.rpcCall(b, method, request, { privacy })))
  const next = (node: TestNode, queue: Queue.Dequeue<Incoming>) => node.run(Queue.take(queue))

  describe(`RouterHandle, ${privacy}`, () => {
    law(
      "delivers an envelope to every subscriber of its type, and names its sender only if he came himself",
      Effect.fnUntraced(function* (it) {
        const { a, b } = it
        const [one, two] = [yield* incoming(b, "CRDT_OP"), yield* incoming(b, "CRDT_OP")]
        const other = yield* incoming(b, "WELCOME")
        yield* send(it, note("x"))
        for (const queue of [one, two]) {
          const { envelope, from } = yield* next(b, queue)
          assert.deepStrictEqual([envelope.type, envelope.body], ["CRDT_OP", utf8("x")])
          assert.deepStrictEqual(from?.nodeId, privacy === "direct" ? a.nodeId : undefined)
        }
        assert.deepStrictEqual([one, two, other].map(Queue.sizeUnsafe), [0, 0, 0])
      })
    )

    law(
      "holds no more than its queue for a slow subscriber, and delivers the rest when there is room",
      Effect.fnUntraced(function* (it) {
        const { b, network } = it
        const queue = yield* incoming(b, "CRDT_OP")
        const all = INCOMING_QUEUE + 5
        const sending = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: all }, (_, n) => note(`${n}`)),
            (envelope) => send(it, envelope),
            {
              concurrency: all,
              discard: true
            }
          )
        )
        yield* network.advance("2 seconds")
        assert.strictEqual(Queue.sizeUnsafe(queue), INCOMING_QUEUE)
        const first = yield* b.run(Queue.takeAll(queue))
        yield* network.advance("12 seconds")
        yield* Fiber.join(sending)
        const rest = yield* b.run(Queue.takeAll(queue))
        const seen = [...first, ...rest].map(({ envelope }) => Buffer.from(envelope.body).toString())
        assert.strictEqual(new Set(seen).size, all)
        assert.strictEqual(seen.length, all)
      })
    )

    law(
      "brings a question and its answer, which is given once",
      Effect.fnUntraced(function* (it) {
        const { a, b } = it
        const queue = yield* incoming(b, "SNAPSHOT")
        const body = requestBody(utf8("what?"))
        const asking = yield* Effect.forkChild(
          a.run(router((it) => it.ask(b, { type: "SNAPSHOT", body }, { privacy, answerBytes: 9_000 })))
        )
        const { envelope, reply, room } = yield* next(b, queue)
        assert.deepStrictEqual(envelope.body, body)
        assert.isAtLeast(room, 9_000)
        const answer = (length: number): InnerEnvelopeFields => ({
          type: "SNAPSHOT",
          body: concatBytes([Uint8Array.of(1), new Uint8Array(length)])
        })
        const tooLarge = yield* Effect.flip(b.run(reply(answer(room))))
        assert.include(tooLarge, { _tag: "NotAnswerable", reason: "too large" })
        yield* b.run(reply(answer(8_000)))
        assert.include(yield* Effect.flip(b.run(reply(answer(1)))), { _tag: "NotAnswerable", reason: "answered" })
        assert.strictEqual((yield* Fiber.join(asking)).body.length, 8_001)
      })
    )

    law(
      "calls methods that are served to whoever asks, and brings their refusals",
      Effect.fnUntraced(function* (it) {
        const { b } = it
        assert.include(yield* Effect.flip(call(it, greet, "Ada")), { _tag: "RequestRefused", tag: "UnknownMethod" })
        yield* b.run(
          Effect.flatMap(Rpc, (rpc) =>
            rpc.handleAnonymous(greet, (name) =>
              name === "Eve"
                ? Effect.fail(new RpcFailure({ tag: "Unwelcome", detail: "go away", data: null }))
                : Effect.succeed(`hello ${name}`)
            )
          )
        )
        assert.strictEqual(yield* call(it, greet, "Ada"), "hello Ada")
        const refused = yield* Effect.flip(call(it, greet, "Eve"))
        assert.include(refused, { _tag: "RequestRefused", tag: "Unwelcome", detail: "go away" })
        assert.include(yield* Effect.flip(call(it, count, "Ada")), { _tag: "RequestRefused", tag: "Malformed" })
      })
    )

    law(
      "fetches the state of a channel at a frontier, or hears why not",
      Effect.fnUntraced(function* (it) {
        const { a, b } = it
        const queue = yield* incoming(b, "SNAPSHOT")
        const [channel, head] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
        const serve = Effect.gen(function* () {
          const { envelope, reply } = yield* Queue.take(queue)
          const frame = yield* Effect.fromResult(readRequest(envelope.body.subarray(1)))
          const request = yield* Effect.fromResult(readSnapshotRequest(frame.body))
          const known = request.frontier.length > 0
          const payload = known
            ? writeOk(frame.id, writeSnapshot(concatBytes([request.channel, ...request.frontier])))
            : writeError(frame.id, { tag: "UnknownFrontier", detail: "", data: null })
          yield* reply({ type: "SNAPSHOT", body: answerBody(payload) })
        })
        const fetch = (frontier: ReadonlyArray<Uint8Array>) =>
          a.run(router((it) => it.fetchSnapshot(b, channel, frontier, { privacy })))
        const served = yield* Effect.forkChild(b.run(Effect.andThen(serve, serve)))
        assert.deepStrictEqual(yield* fetch([head]), concatBytes([channel, head]))
        assert.include(yield* Effect.flip(fetch([])), { _tag: "RequestRefused", tag: "UnknownFrontier" })
        yield* Fiber.join(served)
      })
    )

    law(
      "gives what comes to nobody who has left",
      Effect.fnUntraced(function* (it) {
        const { b, network } = it
        yield* b.run(Effect.scoped(Effect.asVoid(router((it) => it.incoming("CRDT_OP")))))
        const sending = yield* Effect.forkChild(send(it, note("x")))
        yield* network.advance("5 seconds")
        assert.isUndefined(sending.pollUnsafe())
        const queue = yield* incoming(b, "CRDT_OP")
        yield* network.advance("10 seconds")
        yield* Fiber.join(sending)
        assert.strictEqual(Queue.sizeUnsafe(queue), 1)
      })
    )
  })
}
