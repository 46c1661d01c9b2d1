/** The age library behind its wall: whatever is done to a file, it is refused whole and by name. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Random, Redacted, Stream } from "effect"
import { keyOfSecret } from "#core/ucxl/roleKeysText"
import { type AgeRefused, makeAge } from "#layers/ucxl/age"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { suite } from "./store.ts"

const tally = { encryptions: 0, decryptions: 0 }
const age = makeAge(tally)
const keyOf = (name: string) => keyOfSecret(suite, name, suite.sha256(utf8(name)))
const [one, two, stranger] = [keyOf("one"), keyOf("two"), keyOf("stranger")]
const identities = (...keys: ReadonlyArray<{ readonly identity: string }>) =>
  keys.map((it) => Redacted.make(it.identity))
const counting = (length: number) => Uint8Array.from({ length }, (_, at) => Math.imul(at + 1, 2_654_435_761) >>> 24)
const refuse = (recipients: AgeRefused) => recipients

/** What becomes of a file: its plaintext, or the refusal. */
const outcome = (file: Uint8Array, size?: number) =>
  Effect.match(age.decrypt(identities(one), file, size), {
    onFailure: (refusal) => refusal.what,
    onSuccess: (plain) => plain
  })

describe("age", () => {
  it.effect("is read by each of its recipients, at every length around a chunk", () =>
    Effect.gen(function* () {
      for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) {
        const plain = counting(length)
        const file = yield* age.encrypt([one.recipient, two.recipient], plain)
        assert.deepStrictEqual(yield* age.decrypt(identities(stranger, two), file, length), plain)
        const pieces = Stream.fromIterable([
          plain.subarray(0, length / 3),
          new Uint8Array(0),
          plain.subarray(length / 3)
        ])
        const streamed = yield* Stream.runCollect(age.encryptStream([one.recipient], pieces, refuse))
        assert.deepStrictEqual(yield* age.decrypt(identities(one), concatBytes(streamed), length), plain)
      }
    })
  )

  it.effect("says so where none of the keys is among the recipients, and where a recipient is none", () =>
    Effect.gen(function* () {
      const file = yield* age.encrypt([one.recipient], utf8("words"))
      assert.strictEqual((yield* Effect.flip(age.decrypt(identities(two), file))).what, "NoIdentity")
      assert.strictEqual((yield* Effect.flip(age.decrypt([], file))).what, "NoIdentity")
      const damaged = one.recipient.replace(/.$/, (last) => (last === "q" ? "p" : "q"))
      assert.strictEqual((yield* Effect.flip(age.encrypt([damaged], utf8("words")))).what, "Recipient")
      const streamed = age.encryptStream([damaged], Stream.succeed(utf8("words")), refuse)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(streamed))).what, "Recipient")
    })
  )

  it.effect("knows every file that was cut off as one, by the size that it should have", () =>
    Effect.gen(function* () {
      const file = yield* age.encrypt([one.recipient], counting(50))
      for (let length = 0; length < file.length; length++) {
        assert.strictEqual(yield* outcome(file.subarray(0, length), 50), "Truncated", `${length} of ${file.length}`)
      }
      const long = yield* age.encrypt([one.recipient], counting(131_072))
      const cuts = [1, 16, 65_552, 65_553, 100_000].map((less) => long.subarray(0, long.length - less))
      for (const cut of cuts) assert.strictEqual(yield* outcome(cut, 131_072), "Truncated")
    })
  )

  it.effect("gives nothing of a file in which anything was changed, added, or put in another place", () =>
    Effect.gen(function* () {
      const plain = counting(80)
      const file = yield* age.encrypt([one.recipient], plain)
      const other = yield* age.encrypt([one.recipient], counting(90))
      const below = (count: number) => Random.nextIntBetween(0, count - 1)
      const refusals = new Map<string, number>()
      for (let round = 0; round < 2_000; round++) {
        const spoiled = file.slice()
        const way = round % 5
        const at = yield* below(file.length)
        if (way === 0) spoiled[at]! ^= 1 << (yield* below(8))
        const places = [at, yield* below(file.length)] as const
        if (way === 1) [spoiled[places[0]], spoiled[places[1]]] = [file[places[1]]!, file[places[0]]!]
        if (way === 2) spoiled.set(other.subarray(at, at + 20).subarray(0, file.length - at), at)
        const tampered =
          way === 3
            ? concatBytes([file, other.subarray(at)])
            : way === 4
              ? concatBytes([file.subarray(0, at), file.subarray(at + 1)])
              : spoiled
        const result = yield* outcome(tampered, plain.length)
        const same = tampered.length === file.length && tampered.every((byte, index) => byte === file[index])
        if (typeof result === "string") refusals.set(result, (refusals.get(result) ?? 0) + 1)
        else assert.isTrue(same, `round ${round} gave ${result.length} bytes`)
        if (same) assert.deepStrictEqual(result, plain)
      }
      assert.deepStrictEqual([...refusals.keys()].sort(), ["NoIdentity", "Truncated", "Undecipherable"])
    }).pipe(Random.withSeed("tampering"))
  )

  it.effect("refuses what is no age file, and a header without end", () =>
    Effect.gen(function* () {
      const endless = concatBytes([utf8("age-encryption.org/v1\n"), new Uint8Array(300_000).fill(65)])
      const strangers = [utf8("-----BEGIN AGE ENCRYPTED FILE-----"), new Uint8Array(100), endless]
      for (const file of strangers) assert.strictEqual(yield* outcome(file), "Undecipherable")
    })
  )

  it.effect("ends with the failure of the content, and ends the content when nobody wants the file any more", () =>
    Effect.gen(function* () {
      const failing = Stream.concat(Stream.succeed(counting(100_000)), Stream.fail("broken" as const))
      const failure = yield* Effect.flip(Stream.runDrain(age.encryptStream([one.recipient], failing, refuse)))
      assert.strictEqual(failure, "broken")

      const [ended, begun] = [yield* Latch.make(), yield* Latch.make()]
      const endless = Stream.concat(
        Stream.succeed(counting(100_000)),
        Stream.fromEffect(Effect.andThen(begun.open, Effect.never))
      )
      const reading = age.encryptStream([one.recipient], Stream.ensuring(endless, ended.open), refuse)
      const fiber = yield* Effect.forkChild(Stream.runDrain(reading))
      yield* begun.await
      yield* Fiber.interrupt(fiber)
      yield* ended.await
    })
  )

  it("counts what it does", () => assert.isAbove(Math.min(tally.encryptions, tally.decryptions), 20))
})
