/** What a disk has spoiled: bytes that are not, or no longer, the record that was checked when it was stored. */
import { Result } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import type { RecordValidators, Refusal } from "#services/dht/RecordValidators"
import type { StoredRecord } from "#services/storage/RecordStore"

/** What no sound record can become, whatever the time is and whatever rules are registered. */
const SPOILED = new Set<Refusal>(["Malformed", "TooLong", "WrongKey", "BadSignature"])

type Held = Pick<StoredRecord, "kind" | "key" | "bytes">

const parsed = (validators: RecordValidators["Service"], { bytes, key, kind }: Held, now: number) =>
  Result.flatMap(validators.parse(kind, bytes, now), (record) =>
    equalBytes(record.key, key) ? Result.succeed(record) : Result.fail<Refusal>("WrongKey")
  )

const wordOf = (result: Result.Result<unknown, Refusal>): Refusal | undefined =>
  Result.isFailure(result) ? result.failure : undefined

/** The word of refusal for what is held; undefined where it may be shown to anybody. `now` in unix seconds. */
export const refusalOf = (validators: RecordValidators["Service"], held: Held, now: number): Refusal | undefined =>
  wordOf(Result.flatMap(parsed(validators, held, now), (record) => validators.verify(record, now)))

/** As `refusalOf`, without the signatures: for sets, of which one request may ask for sixty-four at a time. */
export const formRefusalOf = (validators: RecordValidators["Service"], held: Held, now: number): Refusal | undefined =>
  wordOf(parsed(validators, held, now))

/** Whether it should leave the disk: it would keep the sound one from being stored again. */
export const isDamage = (refusal: Refusal | undefined): boolean => refusal !== undefined && SPOILED.has(refusal)
