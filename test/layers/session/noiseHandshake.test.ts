import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { networkIdOf } from "#core/identity/signature"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import * as HandshakeState from "#core/session/Noise/HandshakeState"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import { prologueOf } from "#layers/session/noiseHandshake"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { encode } from "#schemas/bytes/Cbor"
import { FrameType, writeFrame } from "#schemas/session/Frame"
import { writeHandshakeMessage } from "#schemas/session/HandshakeMessage"
import { refused } from "#services/session/Metrics"
import type { Connection } from "#services/transport/Transport"
import { dial, receive } from "../../laws/connections.ts"
import { hello } from "../../laws/hello.ts"
import { at, makeWorld, settle, startNode } from "../../laws/sessionWorld.ts"

const { suite } = NodeCrypto
const networkId = networkIdOf(suite, "main")
const bytes = (fill: number) => new Uint8Array(32).fill(fill)
const secrets = { signing: suite.signingKey(bytes(1)), noise: suite.agreementKey(bytes(2)) }

const recordWith = (changes: { noise?: Uint8Array; issued?: number; network?: string } = {}) => {
  const issued = changes.issued ?? 0
  return signPeerRecord(suite, secrets.signing, networkIdOf(suite, changes.network ?? "main"), {
    noise: changes.noise ?? secrets.noise.publicKey,
    onion: bytes(3),
    seq: 1,
    issued,
    expires: issued + 3600,
    capabilities: 0,
    addresses: []
  }).bytes
}

const frame = (payload: Uint8Array) => writeFrame({ type: FrameType.HANDSHAKE, rekey: false, payload })

const begin = (network = networkId) =>
  HandshakeState.make({
    suite,
    role: "initiator",
    prologue: prologueOf(network),
    staticKey: secrets.noise,
    ephemeralKey: suite.agreementKey(bytes(9))
  })

/** Goes through the handshake by hand, with this payload in the third message. */
const shake = Effect.fnUntraced(function* (connection: Connection, payload: Uint8Array) {
  const state = begin()
  connection.write([frame(Result.getOrThrow(state.writeMessage(new Uint8Array(0))))])
  const [second] = yield* receive(connection)
  assert.isTrue(Result.isSuccess(state.readMessage((second ?? new Uint8Array(0)).subarray(8))))
  connection.write([frame(Result.getOrThrow(state.writeMessage(payload)))])
  yield* settle
})

const introduce = (record: Uint8Array) => writeHandshakeMessage({ record, boot: new Uint8Array(8), hello })

type Attack = (connection: Connection) => Effect.Effect<void, unknown, Scope.Scope>

/** Each with the reason under which it must be counted. */
const attacks: Record<string, readonly [reason: string, attack: Attack]> = {
  "a forged record": [
    "record forged",
    (it) => {
      const record = recordWith().slice()
      record[record.length - 1] = (record[record.length - 1] ?? 0) ^ 1
      return shake(it, introduce(record))
    }
  ],
  "a record signed for another network": ["record forged", (it) => shake(it, introduce(recordWith({ network: "x" })))],
  "an expired record": ["record expired", (it) => shake(it, introduce(recordWith()))],
  "a record from the future": ["record premature", (it) => shake(it, introduce(recordWith({ issued: 10_000 })))],
  "a record with another static key": [
    "other static key",
    (it) => shake(it, introduce(recordWith({ noise: bytes(7) })))
  ],
  "a payload that is no introduction": ["malformed", (it) => shake(it, new Uint8Array(5))],
  "an introduction that says nothing of the program": [
    "malformed",
    (it) => shake(it, encode([1, recordWith(), new Uint8Array(8)]))
  ],
  "a record that is none": ["record malformed", (it) => shake(it, introduce(new Uint8Array(40)))],
  "a payload in the first message": [
    "malformed",
    (it) => Effect.sync(() => it.write([frame(Result.getOrThrow(begin().writeMessage(bytes(1))))]))
  ],
  "an ephemeral key of low order": ["zero agreement", (it) => Effect.sync(() => it.write([frame(new Uint8Array(32))]))],
  "a message that is too short": ["malformed", (it) => Effect.sync(() => it.write([frame(new Uint8Array(31))]))],
  "a sealed frame before the end": [
    "malformed",
    (it) =>
      Effect.sync(() =>
        it.write([writeFrame({ type: FrameType.BATCH, rekey: false, payload: bytes(0), mac: new Uint8Array(16) })])
      )
  ],
  "another network's prologue": [
    "ended",
    (it) =>
      Effect.gen(function* () {
        const state = begin(bytes(5))
        it.write([frame(Result.getOrThrow(state.writeMessage(new Uint8Array(0))))])
        const [second] = yield* receive(it)
        assert.deepStrictEqual(
          state.readMessage((second ?? new Uint8Array(0)).subarray(8)),
          Result.fail("not authentic" as const)
        )
      })
  ]
}

describe("a Noise handshake", () => {
  for (const [name, [reason, attack]] of Object.entries(attacks)) {
    it.effect(`ends at ${name}, counted as "${reason}"`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const node = yield* startNode(makeWorld(NoiseSessions.layer), { seed: "node", at: "/memory/2", open: true })
          const transport = yield* MemoryTransport.make
          const count = Effect.map(Metric.value(Metric.withAttributes(refused, { reason })), (it) => it.count)
          const before = yield* count
          if (reason === "record expired") yield* TestClock.adjust("2 hours")
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* attack(yield* dial(transport, at("/memory/2")))
              yield* settle
            })
          )
          yield* settle
          assert.deepStrictEqual(node.manager.stats(), { open: 0, halfOpen: 0, bans: 0 })
          assert.strictEqual((yield* count) - before, 1)
        })
      ).pipe(Effect.provide(MemoryTransport.hub))
    )
  }
})
