/** How records of peers come into a log: judged from the cheapest check to the dearest, carried out, made durable. */
import { Clock, Duration, Effect, Result } from "effect"
import { bytesOfKey, equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { OpFields } from "#schemas/dht/Op"
import { DOCUMENT_PROOFS, UNSAVED } from "#services/crdt/Limits"
import type { Admitted, RefusedOp } from "#services/crdt/OpLog"
import { EarlyFor } from "#services/crdt/Schedules"
import type { OpStore } from "#services/storage/OpStore"
import type { StorageFailed } from "#services/storage/RecordStore"
import type { LoggedOp, LogState } from "./LogState.ts"

interface Tally {
  taken: number
  known: number
  waiting: number
  readonly refused: Array<RefusedOp>
}

export const makeAdmission = Effect.fnUntraced(function* (
  state: LogState,
  store: OpStore["Service"],
  save: Effect.Effect<void, StorageFailed>
) {
  const clock = yield* Clock.Clock
  const earlyFor = Duration.toMillis(yield* EarlyFor)
  const { intake, setup } = state
  const { channel } = setup

  /** Two records at one place of an author's row: the pair convicts him wherever it is shown. */
  const prove = Effect.fnUntraced(function* (op: LoggedOp, tally: Tally) {
    const waiting = state.unsaved.find(({ authorKey, seq }) => authorKey === op.authorKey && seq === op.seq)
    const [held] = waiting !== undefined ? [waiting] : yield* store.range(channel, op.author, at(op.seq), 1)
    // What only a snapshot has convicts nobody.
    if (held === undefined || equalBytes(held.id, op.id)) {
      tally.known++
      return
    }
    const { author, seq } = op
    yield* store.prove(channel, { author, seq, one: held.bytes, other: op.bytes }, DOCUMENT_PROOFS)
    tally.refused.push({ refusal: "equivocation", word: `another operation with seq ${seq}` })
  })

  /** Lamports of parents that are neither in memory nor among the records themselves. */
  const findParents = Effect.fnUntraced(function* (ops: ReadonlyArray<LoggedOp>) {
    const here = new Set(ops.map(({ key }) => key))
    const asked = new Set(ops.flatMap((op) => intake.unsure(op)).filter((key) => !here.has(key)))
    if (asked.size === 0) return NOTHING
    const found = yield* store.find(channel, [...asked].map(bytesOfKey))
    return new Map(found.map(({ id, lamport }) => [keyOf(id), lamport]))
  })

  /** Those that have the form of an operation of this log and are not here yet; no signature is looked at for others. */
  const readNew = Effect.fnUntraced(function* (records: ReadonlyArray<Uint8Array>, tally: Tally) {
    const all: Array<Candidate> = []
    for (const record of records) {
      const read = state.read(record.slice())
      if (Result.isFailure(read)) tally.refused.push(read.failure)
      else all.push(read.success)
    }
    const old = all.filter(({ op }) => op.seq <= (intake.graph.authors.get(op.authorKey)?.seq ?? 0))
    const ids = old.length === 0 ? [] : yield* store.find(channel, idsOf(old))
    const here = new Set(ids.map(({ id }) => keyOf(id)))
    const fresh = all.filter(({ op }) => !here.has(op.key))
    // One that waits and comes again is judged again, by what is on the disk now.
    for (const { op } of fresh) intake.early.forget(op.key)
    tally.known += all.length - fresh.length
    return fresh
  })

  const judge = ({ fields, op }: Candidate, tally: Tally): LoggedOp | undefined => {
    const refusal = state.authorityRefusal(fields, op.bytes, Math.floor(clock.currentTimeMillisUnsafe() / 1000))
    if (refusal === undefined) return op
    tally.refused.push(refusal)
    return undefined
  }

  const take = Effect.fnUntraced(function* (op: LoggedOp, found: ReadonlyMap<string, number>, tally: Tally) {
    const now = clock.currentTimeMillisUnsafe()
    const of = new Map<string, number>()
    for (const parent of op.parents) if (found.has(parent)) of.set(parent, found.get(parent)!)
    const offered = intake.offer(op, of, now)
    if (offered.as === "next") tally.taken += state.carryOut(now, tally.refused)
    else if (offered.as === "known") tally.known++
    else if (offered.as === "waits") tally.waiting++
    else if (offered.as === "full") tally.refused.push({ refusal: "no room", word: "too many came early" })
    else if (offered.as === "refused") tally.refused.push(refusalOf(offered.word ?? ""))
    else yield* prove(op, tally)
  })

  const dropOld = (tally: Tally): void => {
    for (const { missing } of intake.early.since(clock.currentTimeMillisUnsafe() - earlyFor)) {
      tally.refused.push({ refusal: "waited too long", word: missing === "anything" ? "content" : "parent" })
    }
  }

  const conclude = Effect.fnUntraced(function* (tally: Tally) {
    for (const op of intake.conflicts.splice(0)) yield* prove(op, tally)
    // What others did may be what these wait for.
    if (tally.taken > 0) {
      intake.retry(false)
      tally.taken += state.carryOut(clock.currentTimeMillisUnsafe(), tally.refused)
    }
    dropOld(tally)
    yield* save
    return tally
  })

  const admit = Effect.fnUntraced(function* (records: ReadonlyArray<Uint8Array>) {
    if (state.unsaved.length >= UNSAVED) yield* save
    const tally: Tally = { taken: 0, known: 0, waiting: 0, refused: [] }
    const ops = (yield* readNew(records, tally)).flatMap((candidate) => judge(candidate, tally) ?? [])
    const found = yield* findParents(ops)
    for (const op of ops) yield* take(op, found, tally)
    return (yield* conclude(tally)) as Admitted
  })

  const settle = Effect.gen(function* () {
    const tally: Tally = { taken: 0, known: 0, waiting: 0, refused: [] }
    intake.retry(true)
    tally.taken += state.carryOut(clock.currentTimeMillisUnsafe(), tally.refused)
    yield* conclude(tally)
    return tally.taken
  })

  return { admit, settle }
})

interface Candidate {
  readonly op: LoggedOp
  readonly fields: OpFields
}

const idsOf = (all: ReadonlyArray<Candidate>): ReadonlyArray<Uint8Array> => all.map(({ op }) => op.id)

const NOTHING: ReadonlyMap<string, number> = new Map()

const at = (seq: number) => ({ from: seq, to: seq })

const refusalOf = (word: string): RefusedOp => ({
  refusal: word === "its author stands still" ? "author stands still" : "wrong place",
  word
})
