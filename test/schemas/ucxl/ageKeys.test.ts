import { assert, describe, it } from "@effect/vitest"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { Effect, Result, Schema } from "effect"
import { suite } from "#layers/identity/NodeCrypto"
import { hexOf } from "#schemas/bytes/bytes"
import { identityText, isRecipient, keyOfRecipient, recipientText, secretOfIdentity } from "#schemas/ucxl/ageKeys"
import * as bech32 from "#schemas/ucxl/bech32"
import { refusal } from "../malformed.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))

describe("age keys", () => {
  it.effect.prop(
    "are read as they are written, whatever the bytes",
    [Schema.Uint8Array.check(Schema.isMaxLength(40))],
    ([bytes]) =>
      Effect.sync(() => assert.deepStrictEqual(succeeded(bech32.decode("age", bech32.encode("age", bytes))), bytes)),
    { arbitrary: { runs: 100 } }
  )

  it("are those of age-encryption", async () => {
    const identity = await generateX25519Identity()
    const secret = succeeded(secretOfIdentity(identity))
    assert.strictEqual(identityText(secret), identity)
    assert.strictEqual(recipientText(suite.agreementKey(secret).publicKey), await identityToRecipient(identity))
  })

  it("have the checksums of BIP 173", () => {
    assert.strictEqual(hexOf(succeeded(bech32.decode("a", "A12UEL5L"))), "")
    const split = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"
    assert.strictEqual(hexOf(succeeded(bech32.decode("split", split))).slice(0, 12), "c5f38b70305f")
    assert.strictEqual(bech32.encode("split", succeeded(bech32.decode("split", split))), split)
  })

  it("are none when a letter is wrong, missing, of another size, or another thing is written", () => {
    const recipient = recipientText(new Uint8Array(32).fill(7))
    assert.isTrue(isRecipient(recipient))
    for (let at = 0; at < recipient.length; at++) {
      const letter = recipient[at] === "q" ? "p" : "q"
      assert.isFalse(isRecipient(`${recipient.slice(0, at)}${letter}${recipient.slice(at + 1)}`), `letter ${at}`)
    }
    assert.match(refusal(keyOfRecipient(recipient.slice(0, -1))), /checksum/)
    assert.match(refusal(keyOfRecipient(recipient.toUpperCase())), /small letters/)
    assert.match(refusal(keyOfRecipient(bech32.encode("age", new Uint8Array(31)))), /32 bytes/)
    assert.match(refusal(keyOfRecipient("x".repeat(91))), /too long/)
    assert.match(refusal(keyOfRecipient("age1bbbbbbbb")), /letter/)
    assert.match(refusal(keyOfRecipient(identityText(new Uint8Array(32)).toLowerCase())), /begin with age1/)
    assert.match(refusal(secretOfIdentity(recipient)), /capitals/)
    assert.match(refusal(bech32.decode("age", `A${recipient.slice(1)}`)), /mixes/)
  })
})
