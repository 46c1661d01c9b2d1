/** The published XX transcripts: the same hash and, for the hash as a parameter, BLAKE2s. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { blake2s } from "@noble/hashes/blake2.js"
import { Result } from "effect"
import { hmacOf } from "#core/identity/hmac"
import { nobleSuite } from "#core/identity/nobleSuite"
import * as HandshakeState from "#core/session/Noise/HandshakeState"
import { type NoiseHash, sha256Of } from "#core/session/Noise/SymmetricState"
import * as NodeCrypto from "#layers/identity/NodeCrypto"

interface Vector {
  readonly protocol_name: string
  readonly init_prologue: string
  readonly init_static: string
  readonly init_ephemeral: string
  readonly resp_prologue: string
  readonly resp_static: string
  readonly resp_ephemeral: string
  readonly handshake_hash: string
  readonly messages: ReadonlyArray<{ readonly payload: string; readonly ciphertext: string }>
}

const { vectors }: { readonly vectors: ReadonlyArray<Vector> } = JSON.parse(
  readFileSync(new URL("./noise/cacophony-xx.json", import.meta.url), "utf8")
)

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))
const hex = (data: Uint8Array | undefined): string | undefined => data && Buffer.from(data).toString("hex")

const blake: NoiseHash = { name: "BLAKE2s", hash: (data) => blake2s(data), hkdf: hmacOf((data) => blake2s(data)).hkdf }

for (const [suiteName, suite] of [["NodeCrypto", NodeCrypto.suite] as const, ["nobleSuite", nobleSuite] as const]) {
  for (const vector of vectors) {
    describe(`${vector.protocol_name} with ${suiteName}`, () => {
      const hash = vector.protocol_name.endsWith("BLAKE2s") ? blake : sha256Of(suite)
      const side = (role: HandshakeState.Role, prologue: string, staticKey: string, ephemeral: string) =>
        HandshakeState.make({
          suite,
          role,
          hash,
          prologue: bytes(prologue),
          staticKey: suite.agreementKey(bytes(staticKey)),
          ephemeralKey: suite.agreementKey(bytes(ephemeral))
        })
      const initiator = side("initiator", vector.init_prologue, vector.init_static, vector.init_ephemeral)
      const responder = side("responder", vector.resp_prologue, vector.resp_static, vector.resp_ephemeral)

      vector.messages.slice(0, 3).forEach((message, index) => {
        it(`handshake message ${index} is written as published and read back`, () => {
          const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator]
          const written = writer.writeMessage(bytes(message.payload))
          assert.strictEqual(hex(Result.getOrThrow(written)), message.ciphertext)
          assert.strictEqual(hex(Result.getOrThrow(reader.readMessage(bytes(message.ciphertext)))), message.payload)
        })
      })

      it("both sides end with the published handshake hash and each other's static key", () => {
        assert.strictEqual(hex(initiator.handshakeHash), vector.handshake_hash)
        assert.strictEqual(hex(responder.handshakeHash), vector.handshake_hash)
        assert.strictEqual(hex(responder.remoteStatic), hex(suite.agreementKey(bytes(vector.init_static)).publicKey))
        assert.strictEqual(hex(initiator.remoteStatic), hex(suite.agreementKey(bytes(vector.resp_static)).publicKey))
      })

      it("every transport message is sealed as published and opened by the other side", () => {
        const none = new Uint8Array()
        const [left, right] = [initiator.split(), responder.split()]
        assert.isAbove(vector.messages.length, 3)
        vector.messages.slice(3).forEach((message, index) => {
          const [from, to] = index % 2 === 0 ? [right, left] : [left, right]
          assert.strictEqual(hex(Buffer.concat(from.send.seal(none, [bytes(message.payload)]))), message.ciphertext)
          assert.strictEqual(hex(to.receive.open(none, bytes(message.ciphertext))), message.payload)
        })
      })
    })
  }
}
