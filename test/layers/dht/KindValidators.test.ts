import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Result, Scope } from "effect"
import * as KindValidators from "#layers/dht/KindValidators"
import type { NameFields } from "#schemas/dht/Name"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import { RecordValidators } from "#services/dht/RecordValidators"
import {
  announcement,
  announcementKey,
  grant,
  identity,
  keyPackages,
  mutable,
  mutableKey,
  name,
  nameKey,
  peer,
  provider,
  signingOf,
  suite
} from "./fixtures.ts"

const withValidators = <A, E>(body: (validators: RecordValidators["Service"]) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.flatMap(RecordValidators, body).pipe(
    Effect.provide(KindValidators.layer.pipe(Layer.provide(identity("me")))),
    Effect.scoped
  )
const key = suite.sha256(Uint8Array.of(9))
const failure = <A, E>(result: Result.Result<A, E>) => (Result.isFailure(result) ? result.failure : undefined)

describe("KindValidators", () => {
  it.effect("binds each kind to its key, and tells the entries of a set apart", () =>
    withValidators((validators) =>
      Effect.sync(() => {
        const parse = (kind: number, bytes: Uint8Array) => Result.getOrThrow(validators.parse(kind, bytes, 10))
        const block = Uint8Array.of(1, 2)
        assert.deepStrictEqual(parse(RecordKind.Block, block).key, suite.sha256(block))
        assert.deepInclude(parse(RecordKind.Mutable, mutable("a", { seq: 7 })), {
          key: mutableKey("a"),
          seq: 7,
          expires: 1_000
        })
        const offered = parse(RecordKind.Provider, provider("a", key, 5, 50))
        assert.deepInclude(offered, { key, member: signingOf("a").publicKey, seq: 5 })
        assert.deepStrictEqual(parse(RecordKind.Peer, peer("a").bytes).key, new Uint8Array(peer("a").nodeId))
        for (const record of [mutable("a"), provider("a", key)]) {
          const kind = record === undefined ? 0 : record[1]!
          assert.isTrue(Result.isSuccess(validators.verify(parse(kind, record), 10)))
        }
      })
    )
  )

  it.effect("refuses, each by its word, what is too large, malformed, expired, early, too long-lived or unknown", () =>
    withValidators((validators) =>
      Effect.sync(() => {
        const refusal = (kind: number, bytes: Uint8Array, now = 10) => failure(validators.parse(kind, bytes, now))
        assert.strictEqual(refusal(RecordKind.Block, new Uint8Array(32_769)), "TooLong")
        assert.strictEqual(refusal(RecordKind.Mutable, new Uint8Array(61_441)), "TooLong")
        assert.strictEqual(refusal(RecordKind.Mutable, Uint8Array.of(1, 2, 3)), "Malformed")
        assert.strictEqual(refusal(RecordKind.Mutable, mutable("a"), 999), undefined)
        assert.strictEqual(refusal(RecordKind.Mutable, mutable("a"), 1_000), "Expired")
        assert.strictEqual(refusal(RecordKind.Mutable, mutable("a", { issued: 700, expires: 900 })), "Premature")
        assert.strictEqual(refusal(RecordKind.Provider, provider("a", key, 0, 86_401)), "Malformed")
        for (const kind of [5, 6, 7, 8, 9, 11, -1, 0.5]) {
          assert.strictEqual(refusal(kind, mutable("a")), "UnknownKind", `kind ${kind}`)
        }
      })
    )
  )

  it.effect("lets a record live no longer than its grants, but for one that takes something back", () =>
    withValidators((validators) =>
      Effect.sync(() => {
        const authority = signingOf("root").publicKey
        const grants = [grant("root", "a", { expires: 500 })]
        const expires = (fields: Partial<NameFields>, now = 10) =>
          Result.map(
            validators.parse(RecordKind.Name, name("a", "n", { authority, grants, ...fields }), now),
            (it) => it.expires
          )
        assert.deepStrictEqual(expires({}), Result.succeed(500))
        assert.deepStrictEqual(expires({ expires: 400 }), Result.succeed(400))
        assert.deepStrictEqual(expires({}, 500), Result.fail("Expired"))
        const deletion = { value: new Uint8Array(0), expires: LIFETIME }
        assert.deepStrictEqual(expires(deletion), Result.succeed(LIFETIME))
        assert.deepStrictEqual(expires(deletion, 500), Result.fail("Expired"))
      })
    )
  )

  it.effect(
    "binds announcements and names to their authority and name, and ranks them by the second of their issue",
    () =>
      withValidators((validators) =>
        Effect.sync(() => {
          const authority = signingOf("root").publicKey
          const parse = (kind: number, bytes: Uint8Array) => Result.getOrThrow(validators.parse(kind, bytes, 10))
          const member = signingOf("a").publicKey
          const said = parse(RecordKind.Announcement, announcement("a", "relay", { issued: 7 }))
          assert.deepInclude(said, { key: announcementKey("relay"), member, seq: 7, rank: 7, limit: 64 })
          const open = parse(RecordKind.Name, name("a", "n", { seq: 3, issued: 7 }))
          assert.deepInclude(open, { key: nameKey("n"), member, seq: 3, rank: 7, limit: 16 })
          const granted = parse(RecordKind.Name, name("a", "n", { authority, grants: [grant("root", "a")] }))
          assert.deepInclude(granted, { key: nameKey("n", authority), member, limit: 64 })
          for (const record of [said, open, granted]) assert.isTrue(Result.isSuccess(validators.verify(record, 10)))
        })
      )
  )

  it.effect("refuses a kind that nobody has rules for, until somebody has, and again when he is gone", () =>
    withValidators(
      Effect.fnUntraced(function* (validators) {
        const record = keyPackages("a", { seq: 3 })
        const parse = () => validators.parse(RecordKind.KeyPackages, record, 10)
        assert.strictEqual(failure(parse()), "UnknownKind")
        const scope = yield* Scope.make()
        yield* Scope.provide(
          validators.register(RecordKind.KeyPackages, ({ seq }) => (seq === 3 ? Result.void : Result.fail("no"))),
          scope
        )
        const checked = Result.getOrThrow(parse())
        assert.deepInclude(checked, { seq: 3, limit: 1, expires: 1_000 })
        assert.isTrue(Result.isSuccess(validators.verify(checked, 10)))
        const other = Result.getOrThrow(validators.parse(RecordKind.KeyPackages, keyPackages("a", { seq: 4 }), 10))
        assert.strictEqual(failure(validators.verify(other, 10)), "Invalid")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(failure(parse()), "UnknownKind")
        assert.strictEqual(failure(validators.verify(checked, 10)), "BadSignature")
      })
    )
  )

  it.effect("refuses a signature over other bytes, by another key and for another kind", () =>
    withValidators((validators) =>
      Effect.sync(() => {
        const changed = mutable("a")
        changed[changed.length - 67]! ^= 1
        const checked = Result.getOrThrow(validators.parse(RecordKind.Mutable, changed, 10))
        assert.strictEqual(failure(validators.verify(checked, 10)), "BadSignature")
        const stolen = mutable("a", { author: signingOf("b").publicKey as never })
        const parsed = Result.getOrThrow(validators.parse(RecordKind.Mutable, stolen, 10))
        assert.strictEqual(failure(validators.verify(parsed, 10)), "BadSignature")
        // once more, now that the answer could have been remembered
        assert.strictEqual(failure(validators.verify(parsed, 10)), "BadSignature")
      })
    )
  )

  it.effect("asks an app's rule for its kind until the rule's scope closes", () =>
    withValidators(
      Effect.fnUntraced(function* (validators) {
        const checked = Result.getOrThrow(validators.parse(RecordKind.Block, Uint8Array.of(1), 10))
        const scope = yield* Scope.make()
        yield* Scope.provide(
          validators.register(RecordKind.Block, () => Result.fail("never")),
          scope
        )
        assert.strictEqual(failure(validators.verify(checked, 10)), "Invalid")
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Result.isSuccess(validators.verify(checked, 10)))
      })
    )
  )
})
