/**
 * The audit log in the node's database. Lines that meet are written in one transaction with the head that is signed over
 * them, so that after a crash the log ends where its head says.
 *
 * Where the lines have grown beyond their limit, the older half becomes an archive, and of too many archives the oldest is
 * dropped: then the head begins later, in the same transaction. A log whose head does not hold (somebody has changed the
 * database) is not signed anew: a new chain begins behind it, and what was there before stays, for `verify` to name.
 */
import { Clock, Effect, Layer, Metric, PubSub, Result, Semaphore, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { Suite } from "#core/identity/Suite"
import { writeArchive } from "#core/ucxl/auditArchive"
import {
  type AuditHead,
  type AuditLine,
  emptyHead,
  fieldValues,
  NO_ID,
  nextLine,
  readHead,
  signHead
} from "#core/ucxl/auditChain"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import type { StorageFailed } from "#services/storage/RecordStore"
import { type AuditEntry, type AuditEvent, AuditLog } from "#services/ucxl/AuditLog"
import { AUDIT_ARCHIVES, AUDIT_BYTES } from "#services/ucxl/Limits"
import { damagedLines } from "#services/ucxl/Metrics"
import { groupCommits } from "../storage/groupCommits.ts"
import { failed, type Query, queryOf } from "../storage/query.ts"
import { inTransaction } from "../storage/transaction.ts"
import * as rows from "./auditRows.ts"
import { type Signed, verifyLog } from "./verifying.ts"

export interface AuditLogOptions {
  /** Bytes of lines before the older half is archived, and archives before the oldest is dropped. */
  readonly bytes?: number
  readonly archives?: number
}

/** Lines that may wait for the disk; further ones wait for room. */
const WAITING = 1_024
/** Lines that somebody who listens may be behind before he loses the oldest. */
export const CHANGES = 256

/** Stands at the beginning of a chain that follows upon one that did not hold. */
const newChain = (reason: string): AuditEvent => ({
  ...{ operation: "audit", outcome: "failed", address: "", role: "", contentType: "", size: 0 },
  reason: `what stood before is not continued: ${reason}`
})

/** The log as it is when a transaction has committed. */
interface State extends Signed {
  /** Of the lines that are in no archive; counted before the first line is written. */
  readonly bytes: number | undefined
}

export const make = Effect.fnUntraced(function* (options: AuditLogOptions = {}) {
  const [sql, identity, suite, clock] = [yield* SqlClient, yield* Identity, yield* Crypto, yield* Clock.Clock]
  const limits = { bytes: options.bytes ?? AUDIT_BYTES, archives: options.archives ?? AUDIT_ARCHIVES }
  const changes = yield* Effect.acquireRelease(PubSub.sliding<AuditEntry>(CHANGES), PubSub.shutdown)
  const writing = yield* Semaphore.make(1)
  const read = queryOf(sql)

  let state = yield* Effect.mapError(openState(read, suite, identity), failed("open the audit log"))

  /** Drops archives that are too many; the log begins behind the last line of them. */
  const dropArchives = Effect.fnUntraced(function* (query: Query, head: AuditHead) {
    const archives = yield* rows.archivesAfter(query, rows.LOWEST)
    let moved = head
    for (const archive of archives.slice(0, Math.max(0, archives.length - limits.archives))) {
      const last = (yield* rows.archiveOf(query, archive)).at(-1)
      yield* query(rows.dropText, [archive.first])
      // Without the id of a line that cannot be read the rest does not hold: a broken log is not mended by dropping it.
      if (last !== undefined && last.number >= moved.first)
        moved = { ...moved, first: last.number + 1, before: last.fields === undefined ? NO_ID : last.trailId }
    }
    return moved
  })

  const rotate = Effect.fnUntraced(function* (query: Query, head: AuditHead) {
    const extent = yield* rows.extentOf(query)
    const first = Math.max(extent.first, head.first)
    const last = Math.floor((first + head.last) / 2)
    const lines = yield* rows.linesBetween(query, first, last)
    if (lines.length === 0) return { head, bytes: extent.bytes }
    yield* query(rows.keepText, [first, last, writeArchive(lines)])
    yield* rows.clearBetween(query, first, last)
    return { head: yield* dropArchives(query, head), bytes: (yield* rows.extentOf(query)).bytes }
  })

  const write = Effect.fnUntraced(function* (query: Query, events: ReadonlyArray<AuditEvent>) {
    const entries: Array<AuditEntry> = []
    const at = { node: identity.did, time: clock.currentTimeMillisUnsafe() }
    let head = state.head
    let bytes = state.bytes ?? (yield* rows.extentOf(query)).bytes
    const opening = state.unsound === "" ? [] : [newChain(state.unsound)]
    for (const event of [...opening, ...events]) {
      const next = nextLine(suite, head, at, event)
      head = next.head
      bytes += rows.sizeOf(next.fields)
      yield* query(rows.addText, [...fieldValues(next.fields), head.lastId])
      entries.push(rows.toEntry(next.fields, head.lastId))
    }
    if (bytes > limits.bytes) ({ bytes, head } = yield* rotate(query, head))
    const record = signHead(identity, head)
    yield* query(rows.putHeadText, [record])
    return { entries, state: { head, record, bytes, unsound: "" } satisfies State }
  })

  const append = yield* groupCommits<AuditEvent, AuditEntry>({
    operation: "write to the audit log",
    name: "audit lines waiting for the disk",
    waiting: WAITING,
    write: (events) =>
      inTransaction(sql, (query) => write(query, events)).pipe(
        Effect.mapError(failed("write to the audit log")),
        Effect.map((written) => {
          state = written.state
          for (const entry of written.entries) PubSub.publishUnsafe(changes, entry)
          return written.entries.slice(-events.length)
        }),
        Semaphore.withPermit(writing)
      )
  })

  const list = Effect.fnUntraced(function* (query: Query, after: number, limit: number) {
    const entries: Array<AuditEntry> = []
    const collect = Effect.fnUntraced(function* (lines: ReadonlyArray<AuditLine>) {
      for (const line of lines) {
        const entry = rows.entryOf(line)
        if (entry === undefined) yield* Metric.update(damagedLines, 1)
        else if (entry.number > after && entries.length < limit) entries.push(entry)
      }
    })
    for (const archive of yield* rows.archivesAfter(query, after)) {
      if (entries.length < limit) yield* collect(yield* rows.archiveOf(query, archive))
    }
    for (let last = after; entries.length < limit; ) {
      const page = yield* rows.linesAfter(query, last, rows.PAGE)
      yield* collect(page)
      if (page.length < rows.PAGE) break
      last = page.at(-1)?.number ?? Number.NaN
    }
    return entries
  })

  const verify = verifyLog(read, suite, () => state)

  return AuditLog.of({
    append,
    list: (after, limit) =>
      Effect.mapError(
        inTransaction(sql, (query) => list(query, after, limit)),
        failed("read the audit log")
      ),
    latest: (limit) =>
      Effect.mapError(
        inTransaction(sql, (query) => list(query, Math.max(0, state.head.last - limit), limit)),
        failed("read the audit log")
      ),
    changes: Stream.fromPubSub(changes),
    // Lines that are written or archived meanwhile may look like a fault; then everybody waits for a second look.
    verify: Effect.flatMap(verify, (verdict) =>
      verdict.sound ? Effect.succeed(verdict) : Semaphore.withPermit(writing)(verify)
    ).pipe(Effect.mapError(failed("verify the audit log")))
  })
})

export const layer = (options?: AuditLogOptions): Layer.Layer<AuditLog, StorageFailed, SqlClient | Identity | Crypto> =>
  Layer.effect(AuditLog, make(options))

/** The log that the signed head speaks of, or a new one behind whatever is there. */
const openState = Effect.fnUntraced(function* (read: Query, suite: Suite, identity: Identity["Service"]) {
  const record = yield* rows.headOf(read)
  const archives = yield* rows.archivesAfter(read, rows.LOWEST)
  const last = Math.max(0, (yield* rows.lastOf(read)) || 0, ...archives.map((it) => it.last || 0))
  if (record === undefined) {
    const unsound = last === 0 ? "" : "the signed head is missing"
    return { head: emptyHead(last + 1), record: undefined, unsound, bytes: undefined } as State
  }
  return Result.match(readHead(suite, identity, record), {
    onFailure: (unsound): State => ({ head: emptyHead(last + 1), record: undefined, unsound, bytes: undefined }),
    onSuccess: (head): State => ({ head, record, unsound: "", bytes: undefined })
  })
})
