import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { channelIdOf } from "#core/oplog/channel"
import { signSnapshot } from "#core/oplog/signOp"
import * as ChannelValidators from "#layers/crdt/ChannelValidators"
import * as KindValidators from "#layers/dht/KindValidators"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { UnsignedSnapshot } from "#schemas/dht/Snapshot"
import { RecordValidators } from "#services/dht/RecordValidators"
import { grant, identity, networkId, signingOf, suite } from "../dht/fixtures.ts"
import { channel, genesis, genesisOf, signed, writer } from "./logs.ts"

const validating = Effect.map(RecordValidators, (validators) => (kind: number, bytes: Uint8Array, now = 10) => {
  const parsed = validators.parse(kind, bytes, now)
  return Result.isFailure(parsed)
    ? parsed.failure
    : Result.match(validators.verify(parsed.success, now), {
        onFailure: (refusal) => refusal,
        onSuccess: () => "taken" as const
      })
})

const withRules = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.provide(
    body,
    ChannelValidators.layer.pipe(Layer.provideMerge(KindValidators.layer), Layer.provideMerge(identity("me")))
  )

const snapshot = (name: string, fields: Partial<UnsignedSnapshot> = {}) =>
  signSnapshot(
    { signing: signingOf(name), networkId },
    {
      channel,
      epoch: new Uint8Array(32),
      heads: suite.sha256(new Uint8Array(0)),
      cid: cidOfDigest(RAW, suite.sha256(new Uint8Array(0))),
      size: 0,
      issued: 0,
      expires: 1_000,
      genesis,
      grants: [],
      ...fields
    }
  )

describe("ChannelValidators", () => {
  it.effect("has the store take operations and snapshots of plain channels, each under its key", () =>
    withRules(
      Effect.gen(function* () {
        const [judge, validators] = [yield* validating, yield* RecordValidators]
        const alice = yield* writer("alice")
        yield* alice.type("hello")
        const [op] = yield* alice.records
        const { record } = yield* alice.log.compact
        assert.deepStrictEqual([judge(5, op!), judge(7, record)], ["taken", "taken"])
        const parsed = Result.getOrThrow(validators.parse(RecordKind.Op, op!, 10))
        assert.deepStrictEqual(new Uint8Array(parsed.key), new Uint8Array(suite.sha256(op!)))
      })
    )
  )

  it.effect("refuses those that nobody could use: of another genesis, without form, ungranted or unsigned", () =>
    withRules(
      Effect.gen(function* () {
        const judge = yield* validating
        const unsigned = signed("eve")
        unsigned[unsigned.length - 1]! ^= 1
        assert.strictEqual(judge(5, signed("eve")), "taken")
        assert.strictEqual(judge(5, unsigned), "BadSignature")
        for (const bad of [
          signed("eve", { channel: suite.sha256(Uint8Array.of(1)) }),
          signed("eve", { genesis: genesisOf("eve") }),
          signed("eve", { epoch: suite.sha256(Uint8Array.of(1)) }),
          signed("eve", { lamport: 4 }),
          signed("eve", { ciphertext: Uint8Array.of(255) }),
          signed("eve", { grants: [grant("alice", "eve")] })
        ]) {
          assert.strictEqual(judge(5, bad), "Invalid")
        }
        assert.strictEqual(judge(7, snapshot("eve")), "taken")
        assert.strictEqual(judge(7, snapshot("eve"), 1_000), "Expired")
        assert.strictEqual(judge(7, snapshot("eve", { genesis: genesisOf("eve") })), "Invalid")
      })
    )
  )

  it.effect(
    "takes of a granted channel what its grants allow, until they run out, and of groups the outside alone",
    () =>
      withRules(
        Effect.gen(function* () {
          const judge = yield* validating
          const of = genesisOf("alice", "granted")
          const scope = channelIdOf(suite, of)
          const by = (role: number, expires = 500) =>
            signed("bob", {
              channel: scope,
              genesis: of,
              grants: [grant("alice", "bob", { scope, role, issued: 0, expires })]
            })
          assert.strictEqual(judge(5, by(2)), "taken")
          assert.strictEqual(judge(5, by(2), 500), "Invalid")
          assert.strictEqual(judge(5, by(1)), "Invalid")
          assert.strictEqual(judge(5, by(2, 8 * 86_400)), "Invalid")
          assert.strictEqual(judge(5, signed("alice", { channel: scope, genesis: of })), "taken")
          const group = { ...of, policy: suite.sha256(Uint8Array.of(9)) }
          const sealed = { channel: channelIdOf(suite, group), genesis: group, ciphertext: Uint8Array.of(255, 255) }
          assert.strictEqual(judge(5, signed("alice", { ...sealed, epoch: suite.sha256(Uint8Array.of(1)) })), "taken")
          assert.strictEqual(judge(5, signed("alice", sealed)), "Invalid")
        })
      )
  )
})
