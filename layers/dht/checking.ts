/**
 * What a reader makes of the records that it is shown: the checks of the store pipeline, and a charge for whoever sent
 * one that does not pass. Clocks differ, so nobody is charged for a record that has just died or is not born yet.
 */
import { Clock, Effect, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { equalBytes } from "#schemas/bytes/bytes"
import { type CheckedRecord, RecordValidators, type Refusal } from "#services/dht/RecordValidators"
import { SessionManager } from "#services/session/SessionManager"

/** No lie, or none that this node can tell from a disagreement about time or rules. */
const FORGIVEN = new Set<Refusal>(["Expired", "Premature", "UnknownKind", "Invalid"])

export interface Judged {
  readonly good: ReadonlyArray<CheckedRecord>
  /** Something was there that nobody who keeps the protocol shows. */
  readonly isLie: boolean
}

export const makeChecker = Effect.gen(function* () {
  const validators = yield* RecordValidators
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock

  const check = (kind: number, key: Uint8Array, bytes: Uint8Array): Result.Result<CheckedRecord, Refusal> => {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const parsed = validators.parse(kind, bytes, now)
    if (Result.isFailure(parsed)) return parsed
    if (!equalBytes(parsed.success.key, key)) return Result.fail("WrongKey")
    return Result.map(validators.verify(parsed.success, now), () => parsed.success)
  }

  /** At most `limit` of them are looked at: more than a kind allows under a key are more than there can be. */
  const judgeAll = (kind: number, key: Uint8Array, found: ReadonlyArray<Uint8Array>, limit: number): Judged => {
    const good: Array<CheckedRecord> = []
    let isLie = false
    for (const bytes of found.slice(0, limit)) {
      const checked = check(kind, key, bytes)
      if (Result.isSuccess(checked)) good.push(checked.success)
      else if (!FORGIVEN.has(checked.failure)) isLie = true
    }
    return { good, isLie }
  }

  /** However many of one answer are bad, it is one offence. */
  const checkAll = (
    kind: number,
    key: Uint8Array,
    found: ReadonlyArray<Uint8Array>,
    limit: number,
    from: Contact
  ): ReadonlyArray<CheckedRecord> => {
    const { good, isLie } = judgeAll(kind, key, found, limit)
    if (isLie) sessions.charge(from.key, "bad record")
    return good
  }

  return { check, judgeAll, checkAll }
})
