/**
 * What nobody should send, one by one: each is refused by its word, leaves nothing behind, costs the sender his
 * reputation where he must have known better, and does not keep the operation from ending right.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { compareBytes } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import { DhtMethod, readNodes, readRequest, readValues } from "#schemas/dht/DhtMessage"
import { BLOCK_LIMIT, RECORD_LIMIT, RecordKind } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { amidst, type Saying, showing, stored } from "./crowd.ts"
import { grant, mutable, mutableKey, name, nameKey, peer, signingOf, suite } from "./fixtures.ts"
import { withServer } from "./serving.ts"

const asker = peer("asker")
const nothing = new Uint8Array(0)
const authorOf = (of: string) => signingOf(of).publicKey as PublicKey
const salt = Uint8Array.of(1)

interface Bad {
  readonly what: string
  readonly kind?: number
  readonly key?: Uint8Array
  /** Held before, and afterwards still. */
  readonly before?: Uint8Array
  readonly record: Uint8Array
  readonly word: string
  readonly charged: boolean
}

const [lower, higher] = [mutable("a", { value: Uint8Array.of(1) }), mutable("a", { value: Uint8Array.of(2) })].sort(
  (a, b) => compareBytes(suite.sha256(a), suite.sha256(b))
) as [Uint8Array, Uint8Array]

const misSigned = (record: Uint8Array): Uint8Array => {
  const bytes = record.slice()
  bytes[bytes.length - 1]! ^= 1
  return bytes
}
const authority = signingOf("root").publicKey
const underRoot = { kind: RecordKind.Name, key: nameKey("n", authority) }

const offered: ReadonlyArray<Bad> = [
  {
    what: "an older record",
    before: mutable("a", { seq: 5 }),
    record: mutable("a", { seq: 4 }),
    word: "Older",
    charged: false
  },
  { what: "an equal seq with the higher hash", before: lower, record: higher, word: "Conflict", charged: false },
  { what: "a wrong signature", record: misSigned(mutable("a")), word: "BadSignature", charged: true },
  {
    what: "a record signed by another than its author",
    record: mutable("thief", { author: authorOf("a") }),
    word: "BadSignature",
    charged: true
  },
  { what: "an expired record", record: mutable("a", { issued: -0, expires: 0 }), word: "Malformed", charged: true },
  {
    what: "a future-dated record",
    record: mutable("a", { issued: 601, expires: 900 }),
    word: "Premature",
    charged: false
  },
  {
    what: "a record that lives too long",
    record: mutable("a", { expires: 30 * 86_400 + 1 }),
    word: "Malformed",
    charged: true
  },
  {
    what: "a block above 32 KiB",
    kind: RecordKind.Block,
    key: suite.sha256(new Uint8Array(BLOCK_LIMIT + 1)),
    record: new Uint8Array(BLOCK_LIMIT + 1),
    word: "TooLong",
    charged: true
  },
  { what: "a record above 60 KiB", record: new Uint8Array(RECORD_LIMIT + 1), word: "TooLong", charged: true },
  { what: "a record of another kind than it says", record: name("a", "n"), word: "Malformed", charged: true },
  {
    what: "a kind that no validator is registered for",
    kind: RecordKind.KeyPackages,
    record: mutable("a"),
    word: "UnknownKind",
    charged: false
  },
  { what: "bytes that are no record", record: Uint8Array.of(0xff, 1, 2), word: "Malformed", charged: true },
  {
    what: "a name without a grant",
    ...underRoot,
    record: name("a", "n", { authority }),
    word: "NotGranted",
    charged: false
  },
  {
    what: "a grant that nobody signed",
    ...underRoot,
    record: name("a", "n", { authority, grants: [misSigned(grant("root", "a"))] }),
    word: "BadSignature",
    charged: true
  },
  {
    what: "a list of five grants",
    ...underRoot,
    record: name("a", "n", { authority, grants: Array(5).fill(grant("root", "a")) }),
    word: "Malformed",
    charged: true
  }
]

describe("offered to be stored", () => {
  for (const {
    before,
    charged: isCharged,
    key = mutableKey("a"),
    kind = RecordKind.Mutable,
    record,
    what,
    word
  } of offered) {
    it.effect(`${what} is refused as ${word}`, () =>
      withServer(
        [],
        Effect.fnUntraced(function* (ask, records, charged) {
          const store = (bytes: Uint8Array) =>
            ask({ _tag: "Store", kind: kind as 0, record: bytes, ttl: 99, work: nothing }, asker)
          if (before !== undefined) yield* store(before)
          const refused = yield* Effect.flip(store(record))
          assert.strictEqual(refused.tag, word)
          assert.deepStrictEqual(charged, isCharged ? ["bad record"] : [])
          const held = yield* records.get(kind, key)
          assert.deepStrictEqual(
            held.map(({ bytes }) => bytes),
            before === undefined ? [] : [before]
          )
        })
      )
    )
  }

  it.effect("an expired record is refused as Expired", () =>
    withServer(
      [],
      Effect.fnUntraced(function* (ask, records, charged) {
        const record = mutable("a", { issued: 0, expires: 5 })
        const store = ask({ _tag: "Store", kind: RecordKind.Mutable, record, ttl: 0, work: nothing }, asker)
        assert.strictEqual((yield* Effect.flip(store)).tag, "Expired")
        assert.deepStrictEqual(charged, [])
        assert.deepStrictEqual(yield* records.get(RecordKind.Mutable, mutableKey("a")), [])
      })
    )
  )
})

describe("on the wire", () => {
  it("a kind that there is not is no request", () => {
    const store = (kind: number) => readRequest(encode([DhtMethod.Store, kind, nothing, 1, nothing]))
    assert.isTrue(Result.isSuccess(store(10)))
    for (const kind of [11, -1, 255]) assert.isTrue(Result.isFailure(store(kind)), `kind ${kind}`)
  })

  it("too many contacts or records are no answer", () => {
    const list = (count: number) => Array(count).fill(new Uint8Array(10)) as Array<Uint8Array>
    assert.isTrue(Result.isSuccess(readNodes(encode([list(20)]))))
    assert.isTrue(Result.isFailure(readNodes(encode([list(21)]))))
    assert.isTrue(Result.isSuccess(readValues(encode([list(64), list(20), false]))))
    assert.isTrue(Result.isFailure(readValues(encode([list(65), [], false]))))
    assert.isTrue(Result.isFailure(readValues(encode([[], list(21), false]))))
  })
})

describe("shown to a reader", () => {
  const honest: Saying = (request) => (request._tag === "Store" ? stored : showing([mutable("a", { seq: 2 })]))
  const reading = (record: Uint8Array, expected: ReadonlyArray<string>) =>
    amidst(
      { liar: () => showing([record]), b: honest, c: honest },
      Effect.fnUntraced(function* ({ charged, dht }) {
        assert.strictEqual((yield* dht.getMutable(authorOf("a"), salt)).seq, 2)
        assert.deepStrictEqual(charged, expected)
      })
    )

  it.effect("a record under a key that is not its author's is charged", () =>
    reading(mutable("b", { seq: 9 }), ["liar"])
  )
  it.effect("a forged one is charged", () => reading(misSigned(mutable("a", { seq: 9 })), ["liar"]))
  it.effect("one that is too large is charged", () => reading(new Uint8Array(RECORD_LIMIT + 1), ["liar"]))
  it.effect("one from the future is not believed, and not charged: clocks differ", () =>
    reading(mutable("a", { seq: 9, issued: 700, expires: 900 }), [])
  )
  it.effect("an older one is neither believed nor charged", () => reading(mutable("a", { seq: 1 }), []))

  it.effect("more records than there can be are not looked at, and many bad ones are one offence", () => {
    const many = Array.from({ length: 64 }, (_, n) => misSigned(mutable("a", { seq: 9 + n })))
    return amidst(
      { liar: () => showing(many), b: honest },
      Effect.fnUntraced(function* ({ charged, dht }) {
        assert.strictEqual((yield* dht.getMutable(authorOf("a"), salt)).seq, 2)
        assert.deepStrictEqual(charged, ["liar"])
      })
    )
  })

  it.effect("names that are forged do not hide the others", () => {
    const many = [...Array.from({ length: 20 }, (_, n) => misSigned(name(`f${n}`, "n"))), name("z", "n")]
    const liar: Saying = () => showing(many)
    return amidst(
      { liar, b: () => showing([name("a", "n")]) },
      Effect.fnUntraced(function* ({ charged, dht }) {
        const found = yield* dht.getName("n")
        assert.deepStrictEqual(
          found.map(({ author }) => author),
          [authorOf("z"), authorOf("a")].sort(compareBytes)
        )
        assert.deepStrictEqual(charged, ["liar"])
      })
    )
  })
})

describe("a peer that says it stored and did not", () => {
  it.effect("is counted by its word, and the record is found with the others", () => {
    const kept: Array<Uint8Array> = []
    const holder: Saying = (request) => {
      if (request._tag !== "Store") return showing(kept)
      kept.push(request.record)
      return stored
    }
    const liar: Saying = (request) => (request._tag === "Store" ? stored : showing([]))
    return amidst(
      { a: liar, b: liar, c: holder },
      Effect.fnUntraced(function* ({ dht, records }) {
        const block = new Uint8Array(50)
        const { key, reached } = yield* dht.putBlock(block, { factor: 20 })
        assert.strictEqual(reached, 4)
        yield* records.remove(RecordKind.Block, key)
        assert.deepStrictEqual(yield* dht.getBlock(key), block)
      })
    )
  })
})
