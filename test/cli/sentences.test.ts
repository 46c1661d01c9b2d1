import { assert, describe, it } from "@effect/vitest"
import { BlobUnreadable } from "#services/content/Blobs"
import { PrivacyUnavailable } from "#services/dht/Dht"
import { toFailure } from "../../src/cli/sentences.ts"

describe("sentences", () => {
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
