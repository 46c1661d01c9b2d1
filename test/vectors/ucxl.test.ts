/** Our own vectors of encrypted content: the file is what its script makes, and what stands in it is read as it was meant. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { makeAge } from "#layers/ucxl/age"
import { hexOf } from "#schemas/bytes/bytes"
import { cidText } from "#schemas/content/Cid"
import * as Entry from "#schemas/ucxl/Entry"
import * as Metadata from "#schemas/ucxl/Metadata"
import * as Notice from "#schemas/ucxl/Notice"
import * as RoleList from "#schemas/ucxl/RoleList"
import { makeVectors, readVectors } from "./makeUcxl.ts"

const vectors = readVectors()
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"))

describe("vectors of encrypted content", () => {
  it("are what their script makes", () => {
    const { ageFiles, ...made } = vectors
    assert.deepStrictEqual(made, makeVectors())
    assert.lengthOf(ageFiles, 2)
  })

  it("are read as they were meant", () => {
    const entry = Result.getOrThrow(Entry.read(bytes(vectors.entry)))
    const cids = { age: cidText(entry.cid), metadata: cidText(entry.metadataCid) }
    assert.deepStrictEqual([cids, entry.size], [vectors.cids, 31])
    const metadata = Result.getOrThrow(Metadata.read(bytes(vectors.metadata)))
    assert.deepInclude(metadata, { creatorRole: "developer", sharedWith: ["reader"], contentType: "text/markdown", size: 31 })
    const notice = Result.getOrThrow(Notice.read(bytes(vectors.notice)))
    assert.strictEqual(hexOf(notice.digest), vectors.addressDigest)
    assert.isUndefined(Result.getOrThrow(Notice.read(bytes(vectors.tombstone))).cid)
    const roles = Result.getOrThrow(RoleList.read(bytes(vectors.roles)))
    assert.deepStrictEqual(roles.map(({ name }) => name), ["developer", "architect"])
  })

  it.effect("hold files of the age command that their key opens", () =>
    Effect.gen(function* () {
      const age = makeAge({ encryptions: 0, decryptions: 0 })
      for (const { file, plaintext } of vectors.ageFiles) {
        const plain = yield* age.decrypt([Redacted.make(vectors.key.identity)], bytes(file))
        assert.strictEqual(hexOf(plain), plaintext)
      }
    })
  )
})
