import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { concatBytes, hexOf, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as Announcement from "#schemas/dht/Announcement"
import * as Commit from "#schemas/dht/Commit"
import * as Genesis from "#schemas/dht/Genesis"
import * as Grant from "#schemas/dht/Grant"
import * as Inbox from "#schemas/dht/Inbox"
import * as KeyPackages from "#schemas/dht/KeyPackages"
import * as Name from "#schemas/dht/Name"
import * as Op from "#schemas/dht/Op"
import { LIFETIME, OPEN_NAME_LIMIT, RECORD_LIMIT, RecordKind, SET_LIMITS, signedElements } from "#schemas/dht/Record"
import * as Snapshot from "#schemas/dht/Snapshot"
import { dayOf, NONCE_START, preimage } from "#schemas/dht/Work"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const key = (first: number) => counting(32, first)
const sig = counting(64, 64)
const genesis = encode([key(1), counting(16, 2), key(3)])
const grant = encode([key(1), key(2), 2, key(3), 100, 200, sig])
const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))

type Case = readonly [what: string, index: number, value: CborValue, reason: string]

interface Kind {
  readonly name: string
  readonly read: (bytes: Uint8Array) => Result.Result<object, string>
  readonly write: (record: never) => Uint8Array
  readonly tuple: ReadonlyArray<CborValue>
  /** What the tuple is on the wire, but for the parts that are long. */
  readonly layout: string
  readonly bad: ReadonlyArray<Case>
}

const bytes32 = (first: number) => `5820${hexOf(key(first))}`
const signed = `5840${hexOf(sig)}`
const many = (count: number, length: number): CborValue => Array.from({ length: count }, () => new Uint8Array(length))
const bytesOf = (value: Uint8Array): string =>
  (value.length < 24 ? (0x40 + value.length).toString(16) : `58${value.length.toString(16).padStart(2, "0")}`) +
  hexOf(value)

const grantCases = (index: number): ReadonlyArray<Case> => [
  ["five grants", index, many(5, 10), "malformed grants"],
  ["a grant of 257 bytes", index, many(1, 257), "malformed grants"],
  ["grants that are no list", index, 0, "malformed grants"]
]
const chainCases = (index: number): ReadonlyArray<Case> => [
  ["no genesis", index, [], "malformed genesis"],
  ["a genesis of two elements", index, [encode([key(1), counting(16)])], "malformed genesis"],
  ["a genesis of 257 bytes", index, [new Uint8Array(257)], "malformed genesis"],
  ["five grants behind the genesis", index, [genesis, grant, grant, grant, grant, grant], "malformed grants"],
  ["a grant of 257 bytes", index, [genesis, new Uint8Array(257)], "malformed grants"]
]

const kinds: ReadonlyArray<Kind> = [
  {
    name: "Announcement",
    ...Announcement,
    tuple: [4, key(1), "relay", key(2), 100, 200, [grant], sig],
    layout: `8804${bytes32(1)}6572656c6179${bytes32(2)}186418c881${bytesOf(grant)}${signed}`,
    bad: [
      ["a short authority", 1, counting(31), "malformed authority"],
      ["a name of 65 bytes", 2, `${"ä".repeat(32)}a`, "malformed name"],
      ["a name that is bytes", 2, utf8("relay"), "malformed name"],
      ["a long node", 3, counting(33), "malformed node"],
      ["a time that is text", 4, "100", "malformed time"],
      ...grantCases(6),
      ["a signature of 63 bytes", 7, counting(63), "malformed signature"]
    ]
  },
  {
    name: "Op",
    ...Op,
    tuple: [5, key(1), key(2), key(3), 1, 7, [key(4), key(5)], [genesis, grant], counting(30), sig],
    layout:
      `8a05${bytes32(1)}${bytes32(2)}${bytes32(3)}010782${bytes32(4)}${bytes32(5)}` +
      `82${bytesOf(genesis)}${bytesOf(grant)}${bytesOf(counting(30))}${signed}`,
    bad: [
      ["a short channel", 1, counting(31), "malformed channel or epoch"],
      ["a short author", 2, counting(31), "malformed author"],
      ["a seq of zero", 4, 0, "malformed seq or lamport"],
      ["a lamport of zero", 5, 0, "malformed seq or lamport"],
      ["seventeen parents", 6, many(17, 32), "malformed parents"],
      ["a short parent", 6, [counting(31)], "malformed parents"],
      ...chainCases(7),
      ["a ciphertext that is text", 8, "", "malformed ciphertext"],
      ["no signature", 9, null, "malformed signature"]
    ]
  },
  {
    name: "Commit",
    ...Commit,
    tuple: [6, key(1), key(2), 0, key(3), 1, [genesis], counting(20), sig],
    layout: `8906${bytes32(1)}${bytes32(2)}00${bytes32(3)}0181${bytesOf(genesis)}${bytesOf(counting(20))}${signed}`,
    bad: [
      ["a short parent", 2, counting(31), "malformed channel or epoch"],
      ["a negative number", 3, -1, "malformed number or seq"],
      ["a short author", 4, counting(31), "malformed author"],
      ["a seq of zero", 5, 0, "malformed number or seq"],
      ...chainCases(6),
      ["a commit above 48 KiB", 7, new Uint8Array(48 * 1024 + 1), "malformed commit"],
      ["no signature", 8, null, "malformed signature"]
    ]
  },
  {
    name: "Snapshot",
    ...Snapshot,
    tuple: [7, key(1), key(2), key(3), key(4), counting(36, 1), 5, 100, 200, [genesis, grant], sig],
    layout:
      `8b07${bytes32(1)}${bytes32(2)}${bytes32(3)}${bytes32(4)}${bytesOf(counting(36, 1))}05186418c8` +
      `82${bytesOf(genesis)}${bytesOf(grant)}${signed}`,
    bad: [
      ["a short epoch", 3, counting(31), "malformed channel or epoch"],
      ["a short author", 2, counting(31), "malformed author"],
      ["a CID of 35 bytes", 5, counting(35), "malformed heads or CID"],
      ["a size that is text", 6, "5", "malformed size or time"],
      ...chainCases(9),
      ["no signature", 10, null, "malformed signature"]
    ]
  },
  {
    name: "KeyPackages",
    ...KeyPackages,
    tuple: [8, key(1), 5, 100, 200, key(2), [counting(3), counting(2)], sig],
    layout: `8808${bytes32(1)}05186418c8${bytes32(2)}8243000102420001${signed}`,
    bad: [
      ["a short key", 1, counting(31), "malformed key"],
      ["a short inbox key", 5, counting(31), "malformed key"],
      ["a seq above 2^53 − 1", 2, 2n ** 53n, "integer beyond 53 bits"],
      ["ten packages", 6, many(10, 1), "malformed packages"],
      ["a package that is text", 6, ["a"], "malformed packages"],
      ["no signature", 7, null, "malformed signature"]
    ]
  },
  {
    name: "Inbox",
    ...Inbox,
    tuple: [9, key(1), 100, 200, key(2), counting(20), counting(8)],
    layout: `8709${bytes32(1)}186418c8${bytes32(2)}${bytesOf(counting(20))}${bytesOf(counting(8))}`,
    bad: [
      ["a short key", 1, counting(31), "malformed key"],
      ["a time that is null", 2, null, "malformed time"],
      ["a short encapsulated key", 4, counting(31), "malformed key"],
      ["content above 2 KiB", 5, new Uint8Array(2049), "malformed content"],
      ["a nonce of 9 bytes", 6, counting(9), "malformed nonce"]
    ]
  },
  {
    name: "Name",
    ...Name,
    tuple: [10, key(1), key(2), key(3), 5, 100, 200, utf8("v"), [grant], sig],
    layout: `8a0a${bytes32(1)}${bytes32(2)}${bytes32(3)}05186418c8417681${bytesOf(grant)}${signed}`,
    bad: [
      ["a short authority", 1, counting(31), "malformed authority"],
      ["a short name", 2, counting(31), "malformed name"],
      ["a short author", 3, counting(31), "malformed author"],
      ["a seq that is text", 4, "5", "malformed seq or time"],
      ["a value of 1,025 bytes", 7, new Uint8Array(1025), "malformed value"],
      ["a deletion that does not live 30 days", 7, new Uint8Array(0), "deletion that does not live 30 days"],
      ...grantCases(8),
      ["no signature", 9, null, "malformed signature"]
    ]
  }
]

for (const { bad, layout, name, read, tuple, write } of kinds) {
  const bytes = encode(tuple)

  describe(name, () => {
    it("has the layout of the specification", () => {
      assert.strictEqual(hexOf(bytes), layout)
      assert.strictEqual(hexOf(write(succeeded(read(bytes)) as never)), layout)
    })

    it("withstands truncation and flipped bits", () => withstands(read, bytes))

    it("takes elements of a later version, but no other kind and nothing that is not canonical", () => {
      assert.deepStrictEqual(succeeded(read(encode([...tuple, "later"]))), succeeded(read(bytes)))
      assert.strictEqual(refusal(read(encode(tuple.with(0, 1)))), "a record of another kind")
      // the kind in a longer form than it needs
      const long = concatBytes([bytes.subarray(0, 1), Uint8Array.of(0x18, tuple[0] as number), bytes.subarray(2)])
      assert.isTrue(Result.isFailure(read(long)))
      assert.isTrue(Result.isFailure(read(concatBytes([bytes, Uint8Array.of(0)]))))
      assert.isTrue(Result.isFailure(read(concatBytes([Uint8Array.of(0x9f), bytes.subarray(1), Uint8Array.of(0xff)]))))
    })

    it("is refused above 60 KiB", () => {
      assert.strictEqual(refusal(read(encode([...tuple, new Uint8Array(RECORD_LIMIT)]))), "record above 60 KiB")
    })

    it("is refused where an element is missing", () => {
      for (let length = 0; length < tuple.length; length++) {
        assert.isTrue(Result.isFailure(read(encode(tuple.slice(0, length)))), `${length} elements`)
      }
    })

    for (const [what, index, value, reason] of bad) {
      it(`${what} is refused`, () => assert.strictEqual(refusal(read(encode(tuple.with(index, value)))), reason))
    }

    it.prop("random bytes never make the reader throw", [Schema.Uint8Array], ([random]) => {
      assert.isTrue(Result.isFailure(read(random)))
    })
  })
}

describe("what the further kinds share", () => {
  it("the unsigned array is all but the signature", () => {
    const unsigned = (tuple: ReadonlyArray<CborValue>, index: number) =>
      succeeded(signedElements(encode(tuple), index)).message
    const [announcement, op, commit, snapshot, packages, , name] = kinds.map((kind) => kind.tuple)
    const of = <R>(read: (bytes: Uint8Array) => Result.Result<R, string>, tuple: ReadonlyArray<CborValue>) =>
      succeeded(read(encode(tuple)))
    const pairs = [
      [Announcement.unsigned(of(Announcement.read, announcement!)), unsigned(announcement!, 7)],
      [Op.unsigned(of(Op.read, op!)), unsigned(op!, 9)],
      [Commit.unsigned(of(Commit.read, commit!)), unsigned(commit!, 8)],
      [Snapshot.unsigned(of(Snapshot.read, snapshot!)), unsigned(snapshot!, 10)],
      [KeyPackages.unsigned(of(KeyPackages.read, packages!)), unsigned(packages!, 7)],
      [Name.unsigned(of(Name.read, name!)), unsigned(name!, 9)],
      [
        Grant.unsigned(of(Grant.read, [key(1), key(2), 2, key(3), 100, 200, sig])),
        encode([key(1), key(2), 2, key(3), 100, 200])
      ]
    ] as const
    for (const [written, expected] of pairs) assert.deepStrictEqual(written, expected)
  })

  it("keys are made of a prefix and the parts of the specification", () => {
    const preimages = [
      [Announcement.keyPreimage(key(1), "ä"), ["allium/announce", key(1), utf8("ä")]],
      [Commit.keyPreimage(key(1), key(2)), ["allium/slot", key(1), key(2)]],
      [Snapshot.keyPreimage(key(1)), ["allium/snapshot", key(1)]],
      [KeyPackages.keyPreimage(key(1)), ["allium/keypackage", key(1)]],
      [Inbox.keyPreimage(key(1)), ["allium/inbox", key(1)]],
      [Name.keyPreimage(key(1), key(2)), ["allium/name", key(1), key(2)]]
    ] as const
    for (const [preimage, [prefix, ...parts]] of preimages) {
      assert.deepStrictEqual(preimage, concatBytes([utf8(prefix), ...parts]))
    }
  })

  it("sets have the limits of the specification", () => {
    assert.deepStrictEqual(SET_LIMITS, { 2: 10, 4: 64, 6: 16, 7: 8, 9: 64, 10: 64 })
    assert.strictEqual(OPEN_NAME_LIMIT, 16)
  })

  it("an empty name deletes and lives 30 days to the second", () => {
    const tuple: ReadonlyArray<CborValue> = [
      10,
      key(1),
      key(2),
      key(3),
      5,
      100,
      100 + LIFETIME,
      new Uint8Array(0),
      [],
      sig
    ]
    assert.isTrue(Name.isDeletion(succeeded(Name.read(encode(tuple)))))
    for (const expires of [99 + LIFETIME, 101 + LIFETIME]) {
      assert.strictEqual(refusal(Name.read(encode(tuple.with(6, expires)))), "deletion that does not live 30 days")
    }
  })

  it("an op's seal is bound to all elements before it", () => {
    const tuple = kinds[1]!.tuple
    assert.deepStrictEqual(Op.associated(succeeded(Op.read(encode(tuple)))), encode(tuple.slice(0, 8)))
  })

  it("an inbox record is worked over without its nonce, a later version's elements included", () => {
    const tuple = kinds[5]!.tuple
    assert.deepStrictEqual(succeeded(Inbox.unworkedOf(encode(tuple))), encode(tuple.slice(0, 6)))
    assert.deepStrictEqual(Inbox.unworked(succeeded(Inbox.read(encode(tuple)))), encode(tuple.slice(0, 6)))
    const later = encode([...tuple, "later"])
    assert.deepStrictEqual(succeeded(Inbox.unworkedOf(later)), encode([...tuple.slice(0, 6), "later"]))
  })
})

describe("Grant", () => {
  const tuple: ReadonlyArray<CborValue> = [key(1), key(2), 4, key(3), 100, 200, sig]

  it.effect.prop("decode inverts encode", [Grant.Grant], ([value]) => roundTrip(Grant.GrantFromBytes)(value))

  it("has the layout of the specification", () => {
    const layout = `87${bytes32(1)}${bytes32(2)}04${bytes32(3)}186418c8${signed}`
    assert.strictEqual(hexOf(encode(tuple)), layout)
    assert.strictEqual(hexOf(Grant.write(succeeded(Grant.read(encode(tuple))))), layout)
  })

  it("withstands truncation and flipped bits", () => withstands(Grant.read, encode(tuple)))

  const cases: ReadonlyArray<Case> = [
    ["a short issuer", 0, counting(31), "malformed issuer"],
    ["a long subject", 1, counting(33), "malformed subject"],
    ["a role of zero", 2, 0, "malformed role"],
    ["a role above the highest", 2, 5, "malformed role"],
    ["a short scope", 3, counting(31), "malformed scope"],
    ["a time that is text", 4, "100", "malformed time"],
    ["no signature", 6, null, "malformed signature"]
  ]
  for (const [what, index, value, reason] of cases) {
    it(`${what} is refused`, () => assert.strictEqual(refusal(Grant.read(encode(tuple.with(index, value)))), reason))
  }

  it("is refused above 256 bytes", () => {
    assert.strictEqual(refusal(Grant.read(encode([...tuple, new Uint8Array(100)]))), "grant above 256 bytes")
  })
})

describe("round trips", () => {
  it.effect.prop("Announcement", [Announcement.Announcement], ([value]) =>
    roundTrip(Announcement.AnnouncementFromBytes)(value)
  )
  it.effect.prop("Op", [Op.Op], ([value]) => roundTrip(Op.OpFromBytes)(value))
  it.effect.prop("Commit", [Commit.Commit], ([value]) => roundTrip(Commit.CommitFromBytes)(value))
  it.effect.prop("Snapshot", [Snapshot.Snapshot], ([value]) => roundTrip(Snapshot.SnapshotFromBytes)(value))
  it.effect.prop("KeyPackages", [KeyPackages.KeyPackages], ([value]) =>
    roundTrip(KeyPackages.KeyPackagesFromBytes)(value)
  )
  it.effect.prop("Inbox", [Inbox.Inbox], ([value]) => roundTrip(Inbox.InboxFromBytes)(value))
  it.effect.prop("Name", [Name.Name], ([value]) =>
    roundTrip(Name.NameFromBytes)(
      new Name.Name({ ...value, value: concatBytes([Uint8Array.of(1), value.value.subarray(1)]) })
    )
  )
  it.prop("Genesis", [Genesis.Genesis], ([value]) => {
    assert.deepStrictEqual(succeeded(Genesis.read(Genesis.write(value))), value)
  })
})

describe("Work", () => {
  it("hashes the prefix, the kind, the key, the record, the day and, last, the nonce", () => {
    const bytes = preimage(RecordKind.Name, key(1), key(2), 0x01020304)
    assert.strictEqual(
      hexOf(bytes),
      `${hexOf(utf8("allium/1 work"))}0a${hexOf(key(1))}${hexOf(key(2))}010203040000000000000000`
    )
    assert.strictEqual(bytes.length - NONCE_START, 8)
    assert.deepStrictEqual([dayOf(86_399), dayOf(86_400)], [0, 1])
  })
})
