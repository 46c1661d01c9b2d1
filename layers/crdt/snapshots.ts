/**
 * Snapshots of a log: taken of one's own, kept in the place of the operations in them, and taken over from others.
 *
 * Somebody's snapshot is his word for what happened before it. It counts if he may write in the channel and has signed it
 * (kind 7); what is only here is carried out on top of it, and if that does not go, nothing has changed.
 */
import { Clock, Effect, Result } from "effect"
import { contentCid } from "#core/content/contentCid"
import { verifyRecord } from "#core/identity/signature"
import { lastIssued, membershipRefusal, NO_EPOCH } from "#core/oplog/channel"
import { signSnapshot } from "#core/oplog/signOp"
import { bytesOfKey, compareBytes, concatBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import * as SnapshotContent from "#schemas/crdt/SnapshotContent"
import { LIFETIME } from "#schemas/dht/Record"
import * as Snapshot from "#schemas/dht/Snapshot"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { type Batch, type SnapshotRecord, SnapshotRefused } from "#services/crdt/OpLog"
import type { OpStore, StoredHead } from "#services/storage/OpStore"
import { StorageFailed } from "#services/storage/RecordStore"
import { batchOf, type LogState } from "./LogState.ts"
import { makePages } from "./pages.ts"

/** Operations read at once when a log is replayed. */
const REPLAYED = { bytes: 1024 * 1024, records: 1_024 }

export const headsOf = (state: LogState): Array<StoredHead> =>
  [...state.intake.graph.heads]
    .map(([key, lamport]) => ({ id: bytesOfKey(key), lamport }))
    .sort((a, b) => compareBytes(a.id, b.id))

export const authorsOf = (state: LogState): Array<SnapshotContent.SnapshotAuthor & { readonly first: number }> =>
  [...state.intake.graph.authors]
    .map(([key, { first, lamport, seq }]) => ({ author: bytesOfKey(key) as PublicKey, first, seq, lamport }))
    .sort((a, b) => compareBytes(a.author, b.author))

export const makeSnapshots = Effect.fnUntraced(function* (
  state: LogState,
  store: OpStore["Service"],
  save: Effect.Effect<void, StorageFailed>
) {
  const clock = yield* Clock.Clock
  const { channel, networkId, replica, signing, suite } = state.setup
  const page = makePages(store, channel)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  /** Every operation beyond a frontier that is on the disk, in an order to carry them out in. */
  const beyond = Effect.fnUntraced(function* (
    seqOf: (authorKey: string) => number,
    each: (batch: Batch) => Effect.Effect<void, SnapshotRefused | StorageFailed>
  ) {
    const from = new Map(authorsOf(state).map(({ author }) => [keyOf(author), seqOf(keyOf(author)) + 1]))
    for (;;) {
      const ranges = authorsOf(state).map(({ author, seq }) => ({ author, from: from.get(keyOf(author))!, to: seq }))
      const rows = yield* page(
        ranges.filter((range) => range.from <= range.to),
        REPLAYED
      )
      if (rows.length === 0) return
      for (const row of rows) {
        const read = state.read(row.bytes)
        if (Result.isFailure(read)) return yield* damaged(read.failure.word)
        from.set(read.success.op.authorKey, row.seq + 1)
        yield* each(batchOf(read.success.op))
      }
    }
  })

  const contentNow = (): SnapshotContent.SnapshotContent => ({
    authors: authorsOf(state),
    heads: headsOf(state),
    document: replica.snapshot()
  })

  const sign = (bytes: Uint8Array, heads: ReadonlyArray<StoredHead>): Uint8Array => {
    const issued = seconds()
    return signSnapshot(
      { networkId, signing },
      {
        channel,
        epoch: NO_EPOCH,
        heads: suite.sha256(concatBytes(heads.map(({ id }) => id))),
        cid: contentCid(suite.sha256, bytes),
        size: bytes.length,
        issued,
        expires: issued + LIFETIME,
        genesis: state.genesis!,
        grants: state.setup.grants
      }
    )
  }

  const keep = (content: SnapshotContent.SnapshotContent, snapshot: SnapshotRecord, heads: ReadonlyArray<StoredHead>) =>
    Effect.map(store.compact(channel, snapshot, content.authors, heads), () => {
      const { graph } = state.intake
      graph.restart(new Map(content.authors.map((it) => [keyOf(it.author), it])), new Map())
    })

  /** To be called while nobody else writes. */
  const compact = Effect.gen(function* () {
    if (state.genesis === undefined) return yield* new StorageFailed({ operation: "compact", cause: "nothing there" })
    do yield* save
    while (state.unsaved.length > 0)
    const content = contentNow()
    const bytes = SnapshotContent.write(content)
    const snapshot = { record: sign(bytes, content.heads), bytes }
    yield* keep(content, snapshot, content.heads)
    return snapshot
  })

  const check = ({ bytes, record }: SnapshotRecord): Result.Result<SnapshotContent.SnapshotContent, string> => {
    const read = Snapshot.read(record)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    const fields = read.success
    if (!equalBytes(fields.channel, channel)) return Result.fail("of another channel")
    const refusal = membershipRefusal(suite, networkId, fields, lastIssued(fields.grants))
    if (refusal !== undefined || !equalBytes(fields.epoch, NO_EPOCH)) return Result.fail(refusal ?? "of a group")
    if (!verifyRecord(suite, "snapshot", networkId, fields.author, record, Snapshot.SIGNATURE_INDEX)) {
      return Result.fail("not signed by its author")
    }
    if (fields.size !== bytes.length || !equalBytes(contentCid(suite.sha256, bytes), fields.cid)) {
      return Result.fail("other content than was signed")
    }
    return Result.filterOrFail(
      SnapshotContent.read(bytes),
      ({ heads }) => equalBytes(suite.sha256(concatBytes(heads.map(({ id }) => id))), fields.heads),
      () => "other heads than were signed"
    )
  }

  /** To be called while nobody else writes. */
  const adopt = Effect.fnUntraced(function* (snapshot: SnapshotRecord) {
    const checked = check(snapshot)
    if (Result.isFailure(checked)) return yield* new SnapshotRefused({ reason: checked.failure })
    const content = checked.success
    do yield* save
    while (state.unsaved.length > 0)
    const { graph } = state.intake
    const theirs = new Map(content.authors.map((it) => [keyOf(it.author), it]))
    const seqOf = (key: string) => theirs.get(key)?.seq ?? 0
    for (const [key, { first, seq }] of graph.authors) {
      if (first > seqOf(key) + 1 && seq > seqOf(key)) {
        return yield* new SnapshotRefused({ reason: "what is here has been compacted beyond it" })
      }
    }
    // Of its heads those are none here that something of ours builds upon.
    const known = new Set(
      (yield* store.find(
        channel,
        content.heads.map(({ id }) => id)
      )).map(({ id }) => keyOf(id))
    )
    const batches: Array<Batch> = []
    yield* beyond(seqOf, (batch) => Effect.sync(() => void batches.push(batch)))
    // An own edit may have come while the disk was read; it would be lost in what begins anew.
    if (state.unsaved.length > 0) return yield* new SnapshotRefused({ reason: "it is being written here" })
    const restarted = replica.restart(content.document, batches)
    if (Result.isFailure(restarted)) return yield* new SnapshotRefused({ reason: restarted.failure })
    for (const key of [...graph.heads.keys()]) if (isIn(key)) graph.heads.delete(key)
    const fresh = content.heads.filter(({ id }) => !known.has(keyOf(id)) || graph.heads.has(keyOf(id)))
    graph.restart(theirs, new Map(fresh.map(({ id, lamport }) => [keyOf(id), lamport])))
    yield* keep(content, snapshot, headsOf(state))

    /** Whether the head is the last of an author whom the snapshot has as far or further. */
    function isIn(key: string): boolean {
      for (const [author, { last, seq }] of graph.authors) if (last === key) return seq <= seqOf(author)
      return false
    }
  })

  return { adopt, beyond, compact }
})

const damaged = (word: string) => new StorageFailed({ operation: "read operations", cause: new Error(word) })
