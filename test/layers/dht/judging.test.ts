import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import { isFinal, isSuperseded, type Verdict, verdictOf } from "#layers/dht/judging"
import type { NodeId } from "#schemas/identity/NodeId"
import {
  type GetError,
  InvalidRecord,
  NotFound,
  PrivacyUnavailable,
  type PutError,
  type PutReceipt,
  PutRefused
} from "#services/dht/Dht"
import { StorageFailed, StoreFull } from "#services/storage/RecordStore"

const key = new Uint8Array(32)
const id = (n: number) => new Uint8Array(32).fill(n) as NodeId

const receipt = (holders: number, requests: number, failures: number, factor = 5): PutReceipt => ({
  key,
  status: "stored",
  reached: holders,
  factor,
  holders: Array.from({ length: holders }, (_, n) => id(n)),
  expires: 1,
  lookup: { requests, failures, hops: 0, path: [], milliseconds: 0 }
})
const refused = (...refusals: ReadonlyArray<readonly [reason: string, nodes: number]>) =>
  new PutRefused({ key, refusals: refusals.map(([reason, nodes]) => ({ reason, nodes })) })

const successes: ReadonlyArray<readonly [what: string, value: unknown, verdict: Verdict]> = [
  ["a put that others hold", receipt(2, 5, 1), "answered"],
  ["a put that this node alone holds, of others who answered", receipt(1, 5, 2), "unplaced"],
  ["a put of one copy that belongs on this node", receipt(1, 5, 2, 1), "answered"],
  ["a put that nobody answered", receipt(1, 5, 5), "failed"],
  ["a put of a node that knows nobody", receipt(1, 0, 0), "failed"],
  ["a put of one copy that nobody answered", receipt(1, 3, 3, 1), "failed"],
  ["bytes, which may be from the own disk", new Uint8Array(3), "neutral"],
  ["a list, which may be", [], "neutral"]
]

const errors: ReadonlyArray<readonly [what: string, error: PutError | GetError, verdict: Verdict]> = [
  ["nothing found among those who answered", new NotFound({ key, asked: 1 }), "answered"],
  ["nothing found with nobody asked", new NotFound({ key, asked: 0 }), "failed"],
  ["a disk that fails", new StorageFailed({ operation: "get", cause: new Error("no") }), "failed"],
  ["a disk that is full", new StoreFull({ usedBytes: 1, quotaBytes: 1 }), "neutral"],
  ["a record that nobody would take", new InvalidRecord({ reason: "too long" }), "neutral"],
  ["what cannot be done anonymously", new PrivacyUnavailable({ reason: "no relays" }), "neutral"],
  ["a refusal by several", refused(["Busy", 2]), "answered"],
  ["a refusal by one, and by this node", refused(["Older", 1], ["Quota", 1]), "answered"],
  ["no room here, and nobody else", refused(["Quota", 1]), "failed"],
  ["nobody at all", refused(), "failed"],
  ["an older version than the own", refused(["Older", 1]), "neutral"]
]

describe("what an operation says of its backend", () => {
  for (const [what, value, verdict] of successes)
    it(`${what}: ${verdict}`, () => assert.strictEqual(verdictOf("putBlock", Exit.succeed(value)), verdict))
  for (const [what, error, verdict] of errors)
    it(`${what}: ${verdict}`, () => assert.strictEqual(verdictOf("getBlock", Exit.fail(error)), verdict))

  it("nothing held that could be refreshed: neutral", () =>
    assert.strictEqual(verdictOf("refresh", Exit.fail(new NotFound({ key, asked: 0 }))), "neutral"))

  it("a bug of ours: neutral", () => assert.strictEqual(verdictOf("getBlock", Exit.die(new Error("oh"))), "neutral"))
})

describe("what is history", () => {
  it("is what all refuse as older or as one of two, and nothing else", () => {
    assert.isTrue(isSuperseded(refused(["Older", 3], ["Conflict", 1])))
    assert.isFalse(isSuperseded(refused(["Older", 3], ["Busy", 1])))
    assert.isFalse(isSuperseded(refused()))
    assert.isFalse(isFinal(refused(["Older", 3], ["Busy", 1])))
    assert.isTrue(isFinal(refused(["Older", 3], ["NotGranted", 1])))
    assert.isFalse(isSuperseded(new NotFound({ key, asked: 3 })))
  })
})
