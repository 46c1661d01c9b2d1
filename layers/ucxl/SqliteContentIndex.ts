/**
 * The content index in the node's database, and its words beside it in memory.
 *
 * A search walks along one index in the order in which it answers, so it ends with its page. Which index: the one with the
 * fewest entries in the stretch that is asked for, as far as a short count can tell. A row that cannot be read (a damaged
 * disk) is passed over and counted.
 */
import { Effect, Layer, Metric } from "effect"
import { SafeIntegers, SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Bounds } from "#services/node/Bounds"
import type { StorageFailed } from "#services/storage/RecordStore"
import { ContentIndex, type Criteria, type Cursor, type IndexItem } from "#services/ucxl/ContentIndex"
import { INDEX_LIMIT, TEXT_LIMIT, TEXTS_LETTERS, TEXTS_LIMIT } from "#services/ucxl/Limits"
import { damagedRows } from "#services/ucxl/Metrics"
import { groupCommits } from "../storage/groupCommits.ts"
import { failed, type Query, queryOf } from "../storage/query.ts"
import { inTransaction } from "../storage/transaction.ts"
import * as rows from "./contentRows.ts"
import { attachWords, forgetWords, learnWords, moveWords, searchWords, type WordLimits } from "./knownWords.ts"

export interface ContentIndexOptions {
  /** Items in all; beyond it the oldest leave that this node did not make itself. */
  readonly items?: number
  /** Items whose words are known, and letters of all their words. */
  readonly texts?: number
  readonly letters?: number
}

/** Puts that may wait; further ones wait for room. */
const WAITING = 1_024
/** Entries that are counted at most to find the shortest walk, first few, then more. */
const PROBES = [512, 4_096]

interface Put {
  readonly item: IndexItem
  readonly text: string | undefined
}

const asStored = Effect.provideService(SafeIntegers, true)

/** What a transaction does to the totals, which follow it when it has committed. */
class Changes {
  rows = 0
  live = 0
  texts = 0
  letters = 0

  add(other: Changes): void {
    this.rows += other.rows
    this.live += other.live
    this.texts += other.texts
    this.letters += other.letters
  }

  plus(other: Changes): Changes {
    const sum = new Changes()
    sum.add(this)
    sum.add(other)
    return sum
  }
}

export const make = Effect.fnUntraced(function* (options: ContentIndexOptions = {}) {
  const sql = yield* SqlClient
  const limit = options.items ?? INDEX_LIMIT
  const words: WordLimits = { texts: options.texts ?? TEXTS_LIMIT, letters: options.letters ?? TEXTS_LETTERS }
  const ask = queryOf(sql)
  const askRows = (text: string, parameters: ReadonlyArray<unknown>) => asStored(ask<rows.ItemRow>(text, parameters))
  const all = new Changes()

  yield* Effect.mapError(attachWords(sql), failed("open the index"))
  const [found] = yield* Effect.mapError(
    ask<{ readonly held: number; readonly live: number }>(rows.countText, []),
    failed("open the index")
  )
  all.rows = found?.held ?? 0
  all.live = found?.live ?? 0

  const leave = Effect.fnUntraced(function* (query: Query, count: number, changes: Changes) {
    const gone = yield* query<{ readonly address: unknown; readonly live: number }>(rows.leaveText, [count])
    for (const { address, live } of gone) {
      changes.rows -= 1
      changes.live -= live
      yield* forgetWords(query, address, changes)
    }
  })

  const putOne = Effect.fnUntraced(function* (query: Query, { item, text }: Put, changes: Changes) {
    const [row] = yield* asStored(query<rows.ItemRow & { readonly live: bigint }>(rows.heldText, [item.address]))
    const held = row === undefined ? undefined : rows.readItem(row)
    if (held !== undefined && held.author === item.author && held.seq > item.seq) return
    yield* query(rows.putText, rows.toParameters(item))
    if (row === undefined) changes.rows += 1
    changes.live += (item.deleted ? 0 : 1) - Number(row?.live ?? 0n)
    // The totals of words are those of all transactions before, and of this one so far.
    const known = all.plus(changes)
    const before = { texts: known.texts, letters: known.letters }
    if (item.deleted || (text === undefined && held?.cid !== item.cid)) yield* forgetWords(query, item.address, known)
    else if (text === undefined) yield* moveWords(query, item)
    else if (text.length > TEXT_LIMIT) yield* forgetWords(query, item.address, known)
    else yield* learnWords(query, item, text, known, words)
    changes.texts += known.texts - before.texts
    changes.letters += known.letters - before.letters
    const over = all.rows + changes.rows - limit
    if (over > 0) yield* leave(query, over, changes)
  })

  const put = yield* groupCommits<Put, void>({
    operation: "put into the index",
    name: "items waiting for the index",
    waiting: WAITING,
    write: (puts) =>
      Effect.suspend(() => {
        const changes = new Changes()
        return inTransaction(sql, (query) => Effect.forEach(puts, (it) => putOne(query, it, changes))).pipe(
          Effect.tap(() => Effect.sync(() => all.add(changes))),
          Effect.mapError(failed("put into the index"))
        )
      })
  })

  /** The index whose walk is the shortest; where all are long, the last that was counted is as good as any. */
  const shortest = Effect.fnUntraced(function* (criteria: Criteria, stretch: rows.Stretch) {
    const ways = rows.ways(criteria)
    for (const most of ways.length > 1 ? PROBES : []) {
      for (const way of ways) {
        const { parameters, text } = rows.probe(way, criteria, stretch, most)
        const [row] = yield* ask<{ readonly met: number }>(text, parameters)
        if ((row?.met ?? 0) < most) return way
      }
    }
    return ways[0]
  })

  const pageOf = Effect.fnUntraced(function* (
    criteria: Criteria,
    way: rows.Column | undefined,
    stretch: rows.Stretch,
    count: number
  ) {
    const statement =
      criteria.text === undefined ? rows.search(way, criteria, stretch, count) : searchWords(criteria, stretch, count)
    if (statement === undefined) return []
    return yield* askRows(statement.text, statement.parameters)
  })

  /** Asks on behind rows that cannot be read, so that a page is short only where nothing follows. */
  const gather = Effect.fnUntraced(function* (
    count: number,
    next: (last: rows.ItemRow | undefined, count: number) => Effect.Effect<ReadonlyArray<rows.ItemRow>, SqlError>
  ) {
    const items: Array<IndexItem> = []
    let last: rows.ItemRow | undefined
    while (items.length < count) {
      const asked = count - items.length
      const page = yield* next(last, asked)
      for (const row of page) {
        const item = rows.readItem(row)
        if (item === undefined) yield* Metric.update(damagedRows, 1)
        else items.push(item)
      }
      last = page.at(-1)
      if (page.length < asked) break
    }
    return items
  })

  const search = Effect.fnUntraced(
    function* (criteria: Criteria, after: Cursor | undefined, count: number) {
      const stretch = rows.stretchOf(criteria, after)
      const way = criteria.text === undefined ? yield* shortest(criteria, stretch) : undefined
      return yield* gather(count, (last, asked) =>
        pageOf(criteria, way, last === undefined ? stretch : { ...last, end: stretch.end }, asked)
      )
    },
    Effect.mapError(failed("search"))
  )

  const bounds = yield* Bounds
  yield* bounds.watch("items of the index whose words are known", words.texts, () => all.texts)
  yield* bounds.watch("letters of known words", words.letters, () => all.letters)

  return ContentIndex.of({
    put: (item, text) => put({ item, text }),
    find: (address) =>
      gather(1, (last) => (last === undefined ? askRows(rows.findText, [address]) : Effect.succeed([]))).pipe(
        Effect.map(([item]) => item),
        Effect.mapError(failed("find in the index"))
      ),
    search,
    stale: (role, recipients, after, count) =>
      gather(count, (last, asked) => askRows(rows.staleText, [role, last?.address ?? after, recipients, asked])).pipe(
        Effect.mapError(failed("list what is stale"))
      ),
    count: Effect.sync(() => ({ items: all.live, texts: all.texts }))
  })
})

export const layer = (options?: ContentIndexOptions): Layer.Layer<ContentIndex, StorageFailed, SqlClient> =>
  Layer.effect(ContentIndex, make(options))
