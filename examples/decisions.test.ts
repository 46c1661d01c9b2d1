/** Tests of the app in decisions.ts, on one node without a network. */
import { assert, describe, it } from "@effect/vitest"
import { AuditLog, EncryptedStore, Test } from "allium"
import { Effect } from "effect"
import { decide, decisions, declareRoles } from "./decisions.ts"

describe("decisions", () => {
  it.effect("are stored in the name of a role, found by their project, and all of it is written down", () =>
    Effect.gen(function* () {
      yield* declareRoles
      const { address, readers } = yield* decide("allium", "storage", "Records live for seven days.")
      assert.strictEqual(address, "ucxl://team/developer/allium/storage/decision")
      assert.deepStrictEqual(readers, ["developer", "architect"])
      assert.deepStrictEqual(yield* decisions("allium"), ["Records live for seven days."])
      assert.deepStrictEqual(yield* decisions("other"), [])

      const denial = yield* Effect.flip(
        (yield* EncryptedStore).store(address, new Uint8Array(1), "reader", "text/plain")
      )
      assert.deepInclude(denial, { _tag: "Denied", reason: "ReadOnly" })
      const { lines, sound } = yield* (yield* AuditLog).verify
      assert.deepStrictEqual([lines, sound], [5, true])
    }).pipe(Effect.provide(Test.encrypted))
  )
})
