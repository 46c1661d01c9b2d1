/** Rows of the audit log: its lines, archives of older ones, and the signed head. */
import { Effect, Result, Schema } from "effect"
import { SafeIntegers } from "effect/sql/SqlClient"
import { fieldsOf, readArchive } from "#core/ucxl/auditArchive"
import { type AuditFields, type AuditLine, NO_ID } from "#core/ucxl/auditChain"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import { AuditEntry } from "#services/ucxl/AuditLog"
import type { Query } from "../storage/query.ts"

/** Lines that are read at once. */
export const PAGE = 1_024

/** Below every number that the database can hold in a line. */
export const LOWEST = -Number.MAX_SAFE_INTEGER

/** Of a line besides its texts. */
const FIXED_BYTES = 80

const COLUMNS = "number, time, node, operation, address, role, content_type, size, outcome, reason, trail_id"

export const addText = `INSERT OR REPLACE INTO ucxl_audit (${COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)`
const linesText = `SELECT ${COLUMNS} FROM ucxl_audit WHERE number > ? ORDER BY number LIMIT ?`
const olderText = `SELECT ${COLUMNS} FROM ucxl_audit WHERE number >= ? AND number <= ? ORDER BY number`
const clearText = "DELETE FROM ucxl_audit WHERE number >= ? AND number <= ?"
const extentText = `SELECT min(number) AS first, max(number) AS last, coalesce(sum(octet_length(node) +
  octet_length(address) + octet_length(role) + octet_length(content_type) + octet_length(reason) + ${FIXED_BYTES}), 0)
  AS bytes FROM ucxl_audit`
const lastText = "SELECT max(number) AS last FROM ucxl_audit"
const archivesText = "SELECT first, last FROM ucxl_audit_archives WHERE last > ? ORDER BY first"
const archiveText = "SELECT lines FROM ucxl_audit_archives WHERE first = ?"
export const keepText = "INSERT OR REPLACE INTO ucxl_audit_archives (first, last, lines) VALUES (?,?,?)"
export const dropText = "DELETE FROM ucxl_audit_archives WHERE first = ?"
const headText = "SELECT record FROM ucxl_audit_head WHERE place = 0"
export const putHeadText = "INSERT OR REPLACE INTO ucxl_audit_head (place, record) VALUES (0, ?)"

/** Whole numbers come as bigints: one that was put there by hand may be larger than a number holds. */
const ask = <Row extends object>(query: Query, text: string, parameters: ReadonlyArray<unknown>) =>
  Effect.provideService(query<Row>(text, parameters), SafeIntegers, true)

/** What is no whole number, or too large, is read as what cannot be: a line that is damaged. */
const numberOf = (value: unknown): number => {
  const number = typeof value === "bigint" ? Number(value) : Number.NaN
  return Number.isSafeInteger(number) ? number : Number.NaN
}

const plain = (value: unknown): unknown => (typeof value === "bigint" ? numberOf(value) : value)

const lineOf = (row: Record<string, unknown>): AuditLine => {
  const { trail_id: trailId, ...others } = row
  const fields =
    trailId instanceof Uint8Array && trailId.length === 32 ? fieldsOf(Object.values(others).map(plain)) : undefined
  return { number: numberOf(row["number"]), fields, trailId: trailId instanceof Uint8Array ? trailId : NO_ID }
}

export const sizeOf = (fields: AuditFields): number =>
  FIXED_BYTES +
  [fields.node, fields.address, fields.role, fields.contentType, fields.reason].reduce(
    (sum, text) => sum + utf8(text).length,
    0
  )

export const linesAfter = (query: Query, after: number, limit: number) =>
  Effect.map(ask<Record<string, unknown>>(query, linesText, [after, limit]), (rows) => rows.map(lineOf))

export const linesBetween = (query: Query, first: number, last: number) =>
  Effect.map(ask<Record<string, unknown>>(query, olderText, [first, last]), (rows) => rows.map(lineOf))

export const clearBetween = (query: Query, first: number, last: number) => query(clearText, [first, last])

/** The first and the last line that are no archive's, and the bytes of all of them. */
export const extentOf = (query: Query) =>
  Effect.map(ask<Record<string, unknown>>(query, extentText, []), ([row]) => ({
    first: numberOf(row?.["first"]),
    last: numberOf(row?.["last"]),
    bytes: numberOf(row?.["bytes"]) || 0
  }))

/** NaN where there is none. */
export const lastOf = (query: Query) =>
  Effect.map(ask<Record<string, unknown>>(query, lastText, []), ([row]) => numberOf(row?.["last"]))

export interface ArchiveName {
  readonly first: number
  readonly last: number
}

export const archivesAfter = (query: Query, after: number) =>
  Effect.map(ask<Record<string, unknown>>(query, archivesText, [after]), (rows) =>
    rows.map((row): ArchiveName => ({ first: numberOf(row["first"]), last: numberOf(row["last"]) }))
  )

export const archiveOf = (query: Query, { first }: ArchiveName) =>
  Effect.map(ask<Record<string, unknown>>(query, archiveText, [first]), ([row]) =>
    row?.["lines"] instanceof Uint8Array ? readArchive(row["lines"], first) : []
  )

export const headOf = (query: Query) =>
  Effect.map(ask<Record<string, unknown>>(query, headText, []), ([row]) =>
    row?.["record"] instanceof Uint8Array ? row["record"] : undefined
  )

const check = Schema.decodeUnknownResult(AuditEntry)

export const toEntry = (fields: AuditFields, trailId: Uint8Array): AuditEntry =>
  ({ ...fields, trailId: hexOf(trailId) }) as AuditEntry

/** Undefined where the line is damaged. */
export const entryOf = ({ fields, trailId }: AuditLine): AuditEntry | undefined =>
  fields === undefined ? undefined : Result.getOrUndefined(check(toEntry(fields, trailId)))
