/**
 * Rows of the content index: what stands in them, and the statements that find them.
 *
 * An item is kept whole as strict CBOR, and beside it what is searched for. Seven bits of each of the seven columns make
 * its fingerprint, 49 bits, which stands in every index: a walk along one of them compares the fingerprint first and
 * reads a row only where all criteria seem to hold (one row in 128 for nothing, for each further criterion).
 */
import { Result, Schema } from "effect"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { PARTS, partsOf } from "#schemas/ucxl/Address"
import { type Criteria, type Cursor, IndexItem } from "#services/ucxl/ContentIndex"

/** Columns that a search compares whole, and the indexes by them. */
export const COLUMNS = [...PARTS, "creator_role", "content_type"] as const
export type Column = (typeof COLUMNS)[number]

/** As it comes from the database, whole numbers as bigints: a damaged one may be larger than a number holds. */
export interface ItemRow {
  readonly address: unknown
  readonly newness: unknown
  readonly item: unknown
}

/** What comes behind every address at one time. */
const LAST_ADDRESS = "\u{10ffff}"
const FARTHEST = Number.MAX_SAFE_INTEGER

const VERSION = 1
/** Bytes of an item that is read back; the limits of metadata allow a tenth of it. */
const ITEM_LIMIT = 64 * 1024

const FINGER = 128

/** FNV-1a, seven bits of it. It stands in the database: never to be changed. */
const fingerOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return ((hash >>> 16) ^ hash) & (FINGER - 1)
}

const columnsOf = (item: IndexItem): ReadonlyArray<string> => {
  const parts = partsOf(item.address)
  return [...PARTS.map((part) => parts[part]), item.creatorRole, item.contentType]
}

const fingerprintOf = (columns: ReadonlyArray<string>): number =>
  columns.reduce((sum, text, at) => sum + fingerOf(text) * FINGER ** at, 0)

/** The same sign as `0 -`, which has no negative zero. */
const newnessOf = (timestamp: number): number => 0 - timestamp

/** What the columns are asked for, in their order; undefined where a criterion is not given. */
const wanted = (criteria: Criteria): ReadonlyArray<string | undefined> => [
  ...PARTS.map((part) => criteria[part]),
  criteria.creatorRole,
  criteria.contentType
]

const write = (item: IndexItem): Uint8Array =>
  encode([
    VERSION,
    item.address,
    item.creatorRole,
    item.encryptedFor,
    item.contentType,
    item.timestamp,
    item.size,
    item.sha256,
    item.cid,
    item.metadataCid,
    item.author,
    item.seq,
    item.own,
    item.holders,
    item.replicationFactor,
    item.recipients,
    item.deleted
  ])

const check = Schema.decodeUnknownResult(IndexItem)

/** The item of a row; undefined where the row is damaged. */
export const readItem = (row: ItemRow): IndexItem | undefined => {
  if (!(row.item instanceof Uint8Array)) return undefined
  const decoded = decodeArray(row.item, { maxBytes: ITEM_LIMIT })
  if (Result.isFailure(decoded) || decoded.success[0] !== VERSION) return undefined
  const [, address, creatorRole, encryptedFor, contentType, timestamp, size, sha256, cid, metadataCid, ...rest] =
    decoded.success
  const [author, seq, own, holders, replicationFactor, recipients, deleted] = rest
  const item = check({
    address,
    creatorRole,
    encryptedFor,
    contentType,
    timestamp,
    size,
    sha256,
    cid,
    metadataCid,
    author,
    seq,
    own,
    holders,
    replicationFactor,
    recipients,
    deleted
  })
  if (Result.isFailure(item)) return undefined
  // What the walk went by must be what the item says, or a page would end somewhere else than its last item.
  const isSame = item.success.address === row.address && BigInt(newnessOf(item.success.timestamp)) === row.newness
  return isSame ? item.success : undefined
}

/** In the order of `putText`. */
export const toParameters = (item: IndexItem): ReadonlyArray<unknown> => {
  const columns = columnsOf(item)
  return [
    item.address,
    ...columns,
    newnessOf(item.timestamp),
    fingerprintOf(columns),
    item.recipients,
    item.own ? 1 : 0,
    item.deleted ? 1 : 0,
    write(item)
  ]
}

const NAMES = ["address", ...COLUMNS, "newness", "fingerprint", "recipients", "own", "deleted", "item"]
const FOUND = "address, newness, item"

export const putText = `INSERT INTO ucxl_items (${NAMES.join(", ")}) VALUES (${NAMES.map(() => "?").join(",")})
  ON CONFLICT (address) DO UPDATE SET ${NAMES.map((name) => `${name} = excluded.${name}`).join(", ")}`
/** What a put looks at before it writes. */
export const heldText = `SELECT ${FOUND}, deleted = 0 AS live FROM ucxl_items WHERE address = ?`
export const findText = `SELECT ${FOUND} FROM ucxl_items WHERE address = ?`
export const staleText = `SELECT ${FOUND} FROM ucxl_items INDEXED BY ucxl_items_stale
  WHERE own = 1 AND deleted = 0 AND creator_role = ? AND address > ? AND recipients <> ? ORDER BY address LIMIT ?`
export const countText = `SELECT count(*) AS held, (SELECT count(*) FROM ucxl_items INDEXED BY ucxl_items_newness
  WHERE deleted = 0) AS live FROM ucxl_items`
/** The oldest that this node did not make itself. */
export const leaveText = `DELETE FROM ucxl_items WHERE rowid IN (SELECT rowid FROM ucxl_items
  INDEXED BY ucxl_items_foreign WHERE own = 0 ORDER BY newness DESC, address DESC LIMIT ?) RETURNING address, deleted = 0 AS live`

/** A part of the order in which everything is shown: from above a place to below an end. */
export interface Stretch {
  readonly newness: unknown
  readonly address: unknown
  readonly end: number
}

export const stretchOf = ({ createdAfter, createdBefore }: Criteria, after: Cursor | undefined): Stretch => {
  const end = createdAfter === undefined ? FARTHEST + 1 : newnessOf(createdAfter)
  const start = createdBefore === undefined ? -FARTHEST - 1 : newnessOf(createdBefore)
  if (after === undefined || newnessOf(after.timestamp) <= start) return { newness: start, address: LAST_ADDRESS, end }
  return { newness: newnessOf(after.timestamp), address: after.address, end }
}

export interface Statement {
  readonly text: string
  readonly parameters: ReadonlyArray<unknown>
}

/** Which indexes could answer: those of the criteria that are given; the one by time alone is longer than any of them. */
export const ways = (criteria: Criteria): ReadonlyArray<Column | undefined> => {
  const values = wanted(criteria)
  const given = COLUMNS.filter((_, at) => values[at] !== undefined)
  return given.length === 0 ? [undefined] : given
}

const walk = (way: Column | undefined): string =>
  `FROM ucxl_items INDEXED BY ucxl_items_${way ?? "newness"} WHERE deleted = 0 AND (newness, address) > (?, ?)
   AND newness < ?${way === undefined ? "" : ` AND ${way} = ?`}`

const walkParameters = (way: Column | undefined, criteria: Criteria, stretch: Stretch): ReadonlyArray<unknown> => {
  const place = [stretch.newness, stretch.address, stretch.end]
  return way === undefined ? place : [...place, wanted(criteria)[COLUMNS.indexOf(way)]]
}

/** How many entries of an index the walk would meet, counted up to `limit`. */
export const probe = (way: Column | undefined, criteria: Criteria, stretch: Stretch, limit: number): Statement => ({
  text: `SELECT count(*) AS met FROM (SELECT 1 ${walk(way)} LIMIT ?)`,
  parameters: [...walkParameters(way, criteria, stretch), limit]
})

/** All criteria but the words, by a walk along one index. */
export const search = (way: Column | undefined, criteria: Criteria, stretch: Stretch, limit: number): Statement => {
  const values = wanted(criteria)
  const given = COLUMNS.flatMap((column, at) => {
    const value = values[at]
    return value === undefined || column === way ? [] : [{ at, column, value }]
  })
  const mask = given.reduce((sum, { at }) => sum + (FINGER - 1) * FINGER ** at, 0)
  const fingers = given.reduce((sum, { at, value }) => sum + fingerOf(value) * FINGER ** at, 0)
  const tests = given.map(({ column }) => ` AND ${column} = ?`).join("")
  return {
    text: `SELECT ${FOUND} ${walk(way)}${given.length === 0 ? "" : " AND (fingerprint & ?) = ?"}${tests}
      ORDER BY newness, address LIMIT ?`,
    parameters: [
      ...walkParameters(way, criteria, stretch),
      ...(given.length === 0 ? [] : [mask, fingers]),
      ...given.map(({ value }) => value),
      limit
    ]
  }
}

/** Of known words: what is compared, as it stands in the item. */
export const knownParameters = (item: IndexItem): ReadonlyArray<unknown> => [
  item.address,
  ...columnsOf(item),
  newnessOf(item.timestamp)
]

/** The criteria upon columns of a table, and its place in the order. */
export const conditions = (table: string, criteria: Criteria, stretch: Stretch): Statement => {
  const values = wanted(criteria)
  const given = COLUMNS.flatMap((column, at) => (values[at] === undefined ? [] : [{ column, value: values[at] }]))
  return {
    text: `(${table}.newness, ${table}.address) > (?, ?) AND ${table}.newness < ?${given
      .map(({ column }) => ` AND ${table}.${column} = ?`)
      .join("")}`,
    parameters: [stretch.newness, stretch.address, stretch.end, ...given.map(({ value }) => value)]
  }
}
