/**
 * The words of decrypted content, in a database that stands in memory only: attached to the node's, so that one
 * statement asks both, but never a page of it on a disk. They are gone when the node ends.
 *
 * The full-text index (FTS5, https://sqlite.org/fts5.html) gets words that were taken apart in `core/ucxl/words`, not the
 * text: each once, without their places, so that nothing of the text can be put together again from it.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { type Term, termsOf, wordsOf } from "#core/ucxl/words"
import type { Criteria, IndexItem } from "#services/ucxl/ContentIndex"
import type { Query } from "../storage/query.ts"
import { COLUMNS, conditions, knownParameters, type Statement, type Stretch } from "./contentRows.ts"

const KNOWN = ["address", ...COLUMNS, "newness"]

/** `temp_store`: what SQLite sorts on its way stays in memory as well. */
const SETUP = [
  "PRAGMA temp_store = MEMORY",
  "ATTACH ':memory:' AS words",
  `CREATE VIRTUAL TABLE words.texts USING fts5(body, content='', contentless_delete=1, detail=none, tokenize='ascii')`,
  `CREATE TABLE words.known (id INTEGER PRIMARY KEY NOT NULL, letters INTEGER NOT NULL, address TEXT NOT NULL UNIQUE,
     ${COLUMNS.map((column) => `${column} TEXT NOT NULL`).join(", ")}, newness INTEGER NOT NULL)`
]

const heldText = "SELECT id, letters FROM words.known WHERE address = ?"
const oldestText = "SELECT id, letters FROM words.known ORDER BY id LIMIT 1"
const lastText = "SELECT max(id) AS id FROM words.known"
const addTextText = "INSERT INTO words.texts (rowid, body) VALUES (?, ?)"
const addText = `INSERT INTO words.known (id, letters, ${KNOWN.join(", ")}) VALUES (?, ?, ${KNOWN.map(() => "?").join(",")})`
const moveText = `UPDATE words.known SET ${KNOWN.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`
const dropTextText = "DELETE FROM words.texts WHERE rowid = ?"
const dropText = "DELETE FROM words.known WHERE id = ?"

interface Held {
  readonly id: number
  readonly letters: number
}

export interface WordLimits {
  /** Items whose words are known at once, and letters of all their words. */
  readonly texts: number
  readonly letters: number
}

export interface WordCount {
  texts: number
  letters: number
}

/** For as long as the scope is open. */
export const attachWords = (sql: SqlClient) =>
  Effect.acquireRelease(
    Effect.scoped(
      Effect.flatMap(sql.reserve, (connection) =>
        Effect.forEach(SETUP, (text) => connection.execute(text, [], undefined), { discard: true })
      )
    ),
    () => Effect.ignore(sql.unsafe("DETACH words").withoutTransform, { log: "Debug" })
  )

const drop = Effect.fnUntraced(function* (query: Query, { id, letters }: Held, count: WordCount) {
  yield* query(dropTextText, [id])
  yield* query(dropText, [id])
  count.texts -= 1
  count.letters -= letters
})

export const forgetWords = Effect.fnUntraced(function* (query: Query, address: unknown, count: WordCount) {
  const [held] = yield* query<Held>(heldText, [address])
  if (held !== undefined) yield* drop(query, held, count)
})

/** What an item is found by may have changed, its words have not. */
export const moveWords = Effect.fnUntraced(function* (query: Query, item: IndexItem) {
  const [held] = yield* query<Held>(heldText, [item.address])
  if (held !== undefined) yield* query(moveText, [...knownParameters(item), held.id])
})

/** In the place of those that were known; the longest known leave where there are too many. */
export const learnWords = Effect.fnUntraced(function* (
  query: Query,
  item: IndexItem,
  text: string,
  count: WordCount,
  limits: WordLimits
) {
  yield* forgetWords(query, item.address, count)
  const body = [...wordsOf(text)].join(" ")
  if (body.length > limits.letters) return
  const [last] = yield* query<{ readonly id: number | null }>(lastText, [])
  const id = (last?.id ?? 0) + 1
  yield* query(addTextText, [id, body])
  yield* query(addText, [id, body.length, ...knownParameters(item)])
  count.texts += 1
  count.letters += body.length
  while (count.texts > limits.texts || count.letters > limits.letters) {
    const [oldest] = yield* query<Held>(oldestText, [])
    if (oldest === undefined) break
    yield* drop(query, oldest, count)
  }
})

/** Words hold letters and digits only, so nothing in them could end the quotes. */
const matchOf = (terms: ReadonlyArray<Term>): string =>
  terms.map(({ beginning, word }) => `"${word}"${beginning ? "*" : ""}`).join(" AND ")

/**
 * Items by their words and all other criteria. Few texts are known, so the words are asked first, and rows of items are
 * read for those only that are shown. Undefined where the question has no words.
 */
export const searchWords = (criteria: Criteria, stretch: Stretch, limit: number): Statement | undefined => {
  const terms = termsOf(criteria.text ?? "")
  if (terms.length === 0) return undefined
  const where = conditions("known", criteria, stretch)
  return {
    text: `SELECT found.address, found.newness, ucxl_items.item FROM (
        SELECT known.address, known.newness FROM words.texts CROSS JOIN words.known ON known.id = texts.rowid
        WHERE texts MATCH ? AND ${where.text} ORDER BY known.newness, known.address LIMIT ?
      ) AS found LEFT JOIN ucxl_items ON ucxl_items.address = found.address ORDER BY found.newness, found.address`,
    parameters: [matchOf(terms), ...where.parameters, limit]
  }
}
