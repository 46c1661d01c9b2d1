/** The content index of tests, the simulator and nodes without a disk: it lasts as long as the layer. */
import { Effect, Layer } from "effect"
import { isAnswered, termsOf, wordsOf } from "#core/ucxl/words"
import { PARTS, partsOf, type UcxlAddress } from "#schemas/ucxl/Address"
import { ContentIndex, type Criteria, type Cursor, type IndexItem } from "#services/ucxl/ContentIndex"
import { INDEX_LIMIT, TEXT_LIMIT, TEXTS_LETTERS, TEXTS_LIMIT } from "#services/ucxl/Limits"
import type { ContentIndexOptions } from "./SqliteContentIndex.ts"

type Words = ReadonlySet<string>

const place = (a: Cursor, b: Cursor): number =>
  b.timestamp - a.timestamp || (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)

const meets = (criteria: Criteria, item: IndexItem, words: Words | undefined): boolean => {
  const parts = partsOf(item.address)
  const is = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value
  return (
    PARTS.every((part) => is(criteria[part], parts[part])) &&
    is(criteria.creatorRole, item.creatorRole) &&
    is(criteria.contentType, item.contentType) &&
    (criteria.createdAfter === undefined || item.timestamp > criteria.createdAfter) &&
    (criteria.createdBefore === undefined || item.timestamp < criteria.createdBefore) &&
    (criteria.text === undefined || (words !== undefined && isAnswered(termsOf(criteria.text), words)))
  )
}

const lettersOf = (words: Words): number => [...words].join(" ").length

/** What a ContentIndex holds, as plain functions. */
class IndexedItems {
  readonly #items = new Map<UcxlAddress, IndexItem>()
  /** The longest known first. */
  readonly #words = new Map<UcxlAddress, Words>()
  readonly #limits: Required<ContentIndexOptions>
  #letters = 0

  constructor(limits: Required<ContentIndexOptions>) {
    this.#limits = limits
  }

  put(item: IndexItem, text: string | undefined): void {
    const held = this.#items.get(item.address)
    if (held !== undefined && held.author === item.author && held.seq > item.seq) return
    this.#items.set(item.address, { ...item, encryptedFor: [...item.encryptedFor], holders: [...item.holders] })
    const isSame = text === undefined && held?.cid === item.cid
    if (item.deleted || !isSame) this.#forget(item.address)
    if (!item.deleted && text !== undefined && text.length <= TEXT_LIMIT) this.#learn(item.address, wordsOf(text))
    if (this.#items.size > this.#limits.items) this.#leave()
  }

  find(address: UcxlAddress): IndexItem | undefined {
    return this.#items.get(address)
  }

  search(criteria: Criteria, after: Cursor | undefined, limit: number): ReadonlyArray<IndexItem> {
    return [...this.#items.values()]
      .filter((item) => !item.deleted && (after === undefined || place(item, after) > 0))
      .filter((item) => meets(criteria, item, this.#words.get(item.address)))
      .sort(place)
      .slice(0, limit)
  }

  stale(role: string, recipients: string, after: string, limit: number): ReadonlyArray<IndexItem> {
    return [...this.#items.values()]
      .filter((item) => item.own && !item.deleted && item.creatorRole === role)
      .filter((item) => item.address > after && item.recipients !== recipients)
      .sort((a, b) => (a.address < b.address ? -1 : 1))
      .slice(0, limit)
  }

  count(): { readonly items: number; readonly texts: number } {
    let items = 0
    for (const { deleted } of this.#items.values()) if (!deleted) items += 1
    return { items, texts: this.#words.size }
  }

  #learn(address: UcxlAddress, words: Words): void {
    const letters = lettersOf(words)
    if (letters > this.#limits.letters) return
    this.#words.set(address, words)
    this.#letters += letters
    for (const oldest of this.#words.keys()) {
      if (this.#words.size <= this.#limits.texts && this.#letters <= this.#limits.letters) break
      this.#forget(oldest)
    }
  }

  #forget(address: UcxlAddress): void {
    const words = this.#words.get(address)
    if (words === undefined) return
    this.#words.delete(address)
    this.#letters -= lettersOf(words)
  }

  /** The oldest that this node did not make itself. */
  #leave(): void {
    const [oldest] = [...this.#items.values()].filter(({ own }) => !own).sort((a, b) => place(b, a))
    if (oldest === undefined) return
    this.#items.delete(oldest.address)
    this.#forget(oldest.address)
  }
}

export const make = (options: ContentIndexOptions = {}) => {
  const items = new IndexedItems({
    items: options.items ?? INDEX_LIMIT,
    texts: options.texts ?? TEXTS_LIMIT,
    letters: options.letters ?? TEXTS_LETTERS
  })
  return ContentIndex.of({
    put: (item, text) => Effect.sync(() => items.put(item, text)),
    find: (address) => Effect.sync(() => items.find(address)),
    search: (criteria, after, limit) => Effect.sync(() => items.search(criteria, after, limit)),
    stale: (role, recipients, after, limit) => Effect.sync(() => items.stale(role, recipients, after, limit)),
    count: Effect.sync(() => items.count())
  })
}

export const layer = (options?: ContentIndexOptions): Layer.Layer<ContentIndex> =>
  Layer.sync(ContentIndex, () => make(options))
