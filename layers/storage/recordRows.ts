/**
 * The SQL of the record store, as text: statements for n rows are few and always the same, so that the driver's cache
 * of prepared statements holds them. Positional parameters throughout.
 */
import type { RecordSummary, StoredRecord } from "#services/storage/RecordStore"

export interface RecordRow {
  readonly key: Uint8Array
  readonly kind: number
  readonly member: Uint8Array
  readonly seq: number
  readonly expires: number
  readonly stored_by: Uint8Array
  readonly bytes: Uint8Array
}

/** A row without its content: enough for the totals. */
export interface ChargeRow {
  readonly key: Uint8Array
  readonly kind: number
  readonly member: Uint8Array
  readonly stored_by: Uint8Array
  readonly size: number
}

/** A row of which only what cannot be known otherwise is read: a block's digest is its key. */
export interface SummaryRow extends Omit<RecordRow, "bytes"> {
  readonly size: number
  readonly bytes: Uint8Array | null
}

/** Rows in one statement. Powers of two below it keep the number of different texts small. */
const MOST_ROWS = 32

const tuples = (count: number, width: number): string => {
  const one = `(${Array(width).fill("?").join(",")})`
  return Array(count).fill(one).join(",")
}

const perCount = (text: (count: number) => string): ((count: number) => string) => {
  const texts = new Map<number, string>()
  return (count) => {
    const known = texts.get(count)
    if (known !== undefined) return known
    const made = text(count)
    texts.set(count, made)
    return made
  }
}

export const insertText = perCount(
  (count) =>
    `INSERT INTO records (key, kind, member, seq, expires, stored_by, size, bytes) VALUES ${tuples(count, 8)}
     ON CONFLICT (key, kind, member) DO UPDATE SET seq = excluded.seq, expires = excluded.expires,
     stored_by = excluded.stored_by, size = excluded.size, bytes = excluded.bytes`
)

export const heldText = perCount(
  (count) =>
    `SELECT key, kind, member, stored_by, size FROM records WHERE (key, kind, member) IN (VALUES ${tuples(count, 3)})`
)

export const usageText = perCount(
  (count) =>
    `INSERT INTO usage (stored_by, records, bytes) VALUES ${tuples(count, 3)}
     ON CONFLICT (stored_by) DO UPDATE SET records = excluded.records, bytes = excluded.bytes`
)

const COLUMNS = "key, kind, member, seq, expires, stored_by, bytes"

export const pageText = `SELECT ${COLUMNS} FROM records WHERE key = ? AND kind = ? AND expires > ?
  ORDER BY member LIMIT ?`
export const pageAfterText = `SELECT ${COLUMNS} FROM records WHERE key = ? AND kind = ? AND expires > ?
  AND member > ? ORDER BY member LIMIT ?`
export const scanText = `SELECT ${COLUMNS} FROM records WHERE key > ? ORDER BY key, kind, member LIMIT ?`
export const scanRestText = `SELECT ${COLUMNS} FROM records WHERE key = ? AND (kind, member) > (?, ?)
  ORDER BY kind, member`
const SUMMARY = "key, kind, member, seq, expires, stored_by, size, CASE kind WHEN 0 THEN NULL ELSE bytes END AS bytes"
export const listText = `SELECT ${SUMMARY} FROM records WHERE key >= ? AND key <= ? ORDER BY key, kind, member LIMIT ?`
export const listAfterText = `SELECT ${SUMMARY} FROM records WHERE (key, kind, member) > (?, ?, ?) AND key <= ?
  ORDER BY key, kind, member LIMIT ?`
export const expireText = `DELETE FROM records WHERE (key, kind, member) IN
  (SELECT key, kind, member FROM records WHERE expires <= ? ORDER BY expires LIMIT ?) RETURNING stored_by, size`
export const removeText = "DELETE FROM records WHERE key = ? AND kind = ? RETURNING stored_by, size"
export const removeMemberText = `DELETE FROM records WHERE key = ? AND kind = ? AND member = ?
  RETURNING stored_by, size`
export const totalsText = "SELECT stored_by, records, bytes FROM usage"
export const forgetText = "DELETE FROM usage WHERE stored_by = ?"

export const toRecord = (row: RecordRow): StoredRecord => ({
  kind: row.kind,
  key: row.key,
  member: row.member,
  seq: row.seq,
  expires: row.expires,
  storedBy: row.stored_by,
  bytes: row.bytes
})

export const toSummary = (row: SummaryRow, sha256: (bytes: Uint8Array) => Uint8Array): RecordSummary => ({
  kind: row.kind,
  key: row.key,
  member: row.member,
  seq: row.seq,
  expires: row.expires,
  storedBy: row.stored_by,
  size: row.size,
  digest: row.bytes === null ? row.key : sha256(row.bytes)
})

export const toParameters = (record: StoredRecord): ReadonlyArray<unknown> => [
  record.key,
  record.kind,
  record.member,
  record.seq,
  record.expires,
  record.storedBy,
  record.bytes.length,
  record.bytes
]

/** Cuts a list into parts whose sizes are powers of two, at most `MOST_ROWS`. */
export const inParts = <A>(rows: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const parts: Array<ReadonlyArray<A>> = []
  for (let start = 0; start < rows.length; ) {
    let size = MOST_ROWS
    while (size > rows.length - start) size >>= 1
    parts.push(rows.slice(start, start + size))
    start += size
  }
  return parts
}
