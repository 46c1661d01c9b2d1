import { assert, describe, it } from "@effect/vitest"
import { BlobUnreadable } from "#services/content/Blobs"
import { PrivacyUnavailable } from "#services/dht/Dht"
import { UnknownRole } from "#services/ucxl/EncryptedStore"
import { NoAuthority, NotAuthority, RolesInvalid, RolesUnavailable } from "#services/ucxl/RoleDirectory"
import { KeyFileUnusable, KeysLocked, NoRoleKey, WrongPassphrase } from "#services/ucxl/RoleKeys"
import type { RoleError } from "../../src/cli/roleSentences.ts"
import { toFailure } from "../../src/cli/sentences.ts"

describe("sentences", () => {
  it("say what is wrong with roles and keys, and what to do about it", () => {
    const said = (error: RoleError) => toFailure(error).message
    assert.match(said(new NoAuthority()), /goes by nobody's roles: set authority .* and restart it/)
    assert.match(said(new NotAuthority({ authority: "did:key:z" })), /only the node of did:key:z publishes/)
    assert.match(said(new RolesInvalid({ role: "", reason: "too many" })), /cannot be published: too many/)
    assert.match(said(new RolesInvalid({ role: "a", reason: "is there twice" })), /published: "a" is there twice/)
    assert.match(said(new RolesUnavailable({ reason: "nobody has it" })), /not known yet: nobody has it; look whether/)
    assert.match(said(new UnknownRole({ role: "a", known: [] })), /no role "a", and none at all: .*role add/)
    assert.match(said(new UnknownRole({ role: "a", known: ["b", "c"] })), /there is no role "a": there are b, c/)
    assert.match(said(new KeysLocked({ file: "f" })), /the keys in f are sealed: .*role unlock.*ALLIUM_ROLE_PASSPHRASE/)
    assert.match(said(new WrongPassphrase({ file: "f" })), /not the passphrase of f/)
    assert.match(said(new KeyFileUnusable({ file: "f", reason: "is open" })), /the keys in f cannot be used: is open/)
    assert.match(said(new NoRoleKey({ role: "a" })), /no key of the role "a": make one with "allium role key a"/)
  })

  it("say why something cannot be done anonymously, and what to do about it", () => {
    const reason = "1 of 3 relays is known: start more nodes that relay"
    assert.strictEqual(
      toFailure(new PrivacyUnavailable({ reason })).message,
      `this cannot be done anonymously: ${reason}`
    )
    assert.strictEqual(
      toFailure(new BlobUnreadable({ cid: "bafk", reason: `this cannot be done anonymously: ${reason}` })).message,
      `bafk cannot be read: this cannot be done anonymously: ${reason}`
    )
  })
})
