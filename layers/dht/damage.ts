/** What a disk has spoiled: bytes that are not, or no longer, the record that was checked when it was stored. */
import { Result } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import type { RecordValidators, Refusal } from "#services/dht/RecordValidators"
import type { StoredRecord } from "#services/storage/RecordStore"

/** What no sound record can become, whatever the time is and whatever rules are registered. */
const SPOILED = new Set<Refusal>(["Malformed", "TooLong", "WrongKey", "BadSignature"])

/** The word of refusal for what is held; undefined where it may be shown to anybody. `now` in unix seconds. */
export const refusalOf = (
  validators: RecordValidators["Service"],
  { bytes, key, kind }: Pick<StoredRecord, "kind" | "key" | "bytes">,
  now: number
): Refusal | undefined => {
  const parsed = validators.parse(kind, bytes, now)
  if (Result.isFailure(parsed)) return parsed.failure
  if (!equalBytes(parsed.success.key, key)) return "WrongKey"
  const verified = validators.verify(parsed.success, now)
  return Result.isFailure(verified) ? verified.failure : undefined
}

/** Whether it should leave the disk: it would keep the sound one from being stored again. */
export const isDamage = (refusal: Refusal | undefined): boolean => refusal !== undefined && SPOILED.has(refusal)
