import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { cidText } from "#schemas/content/Cid"
import { readSubject, type Subject } from "../../src/cli/subject.ts"

const CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
const DID = "did:key:z6MkvFTjhPEiiL96xPYgoc7bDJfhMahPZy4XbykEyhnMvqYo"
const TEXT = "Qmc6NQoA1QsPxNikLfnMmxt1ng8SB9STnBQC9Pz8SxP8rY"
const HEX = "cc5b0e92c1b07781087c9d7064c4d140abf30f8c2e56b33c64a83607ff6f5df5"
const ADDRESS = `/ip4/127.0.0.1/tcp/33209/p2p/${TEXT}`

const shown = (subject: Subject): string =>
  subject._tag === "Content" ? cidText(subject.cid) : `${hexOf(subject.nodeId)} ${subject.address ?? ""}`.trim()

describe("readSubject", () => {
  it("reads a CID, and one node by each of its names", () => {
    const read = [CID, HEX, HEX.toUpperCase(), DID, TEXT, ADDRESS].map((text) =>
      shown(Result.getOrThrow(readSubject(text)))
    )
    assert.deepStrictEqual(read, [CID, HEX, HEX, HEX, HEX, `${HEX} ${ADDRESS}`])
  })

  it("says in words why a text is none of them", () => {
    const reasons = [
      "hello",
      "",
      "bafkre",
      "did:web:example.org",
      "/ip4/127.0.0.1/tcp/1",
      "/nowhere",
      "Qm123",
      HEX.slice(1)
    ].map((text) => Result.getOrThrow(Result.flip(readSubject(text))))
    assert.match(reasons[0] ?? "", /neither a CID .* nor a node/)
    assert.match(reasons[2] ?? "", /neither .*: not a CID/)
    assert.match(reasons[4] ?? "", /no \/p2p\/ part/)
    for (const reason of reasons) assert.isAbove(reason.length, 10)
  })
})
