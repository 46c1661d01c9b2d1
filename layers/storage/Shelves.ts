/**
 * Records in memory, as plain functions: what MemoryRecordStore answers from, and what a simulated disk holds durably.
 *
 * Records lie under (kind, key) in a map of members, so that the usual case, one record under a key, is one look-up.
 */
import { keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import type { KeyRange, RecordSummary, StoredRecord } from "#services/storage/RecordStore"
import { SortedNames } from "./SortedNames.ts"
import { UsageTotals } from "./usage.ts"

type Members = Map<string, StoredRecord>

const slotOf = (kind: number, key: Uint8Array): string => String.fromCharCode(kind) + keyOf(key)

/** Most records have none. */
const NO_MEMBER = new Uint8Array(0)

/** To be kept: a view would hold the whole network buffer that it came in, and the caller may write into it again. */
export const copyOf = (record: StoredRecord): StoredRecord => ({
  ...record,
  key: record.key.slice(),
  member: record.member.length === 0 ? NO_MEMBER : record.member.slice(),
  storedBy: record.storedBy.slice(),
  bytes: record.bytes.slice()
})

/** Names compare as (key, kind, member) do. */
const nameOf = (it: Pick<StoredRecord, "key" | "kind" | "member">): string =>
  keyOf(it.key) + String.fromCharCode(it.kind) + keyOf(it.member)

const chargeOf = (record: StoredRecord) => ({ storedBy: record.storedBy, size: record.bytes.length })

type Hash = (bytes: Uint8Array) => Uint8Array

/** A block's key is its digest, damaged or not. */
export const summaryOf = (record: StoredRecord, sha256: Hash): RecordSummary => {
  const { bytes, ...rest } = record
  const digest = record.kind === RecordKind.Block ? record.key : sha256(bytes)
  return { ...rest, size: bytes.length, digest }
}

const byName = (a: readonly [string, StoredRecord], b: readonly [string, StoredRecord]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0

export class Shelves {
  readonly slots = new Map<string, Members>()
  readonly totals = new UsageTotals()
  readonly #names = new SortedNames(
    () => this.#allNames(),
    (name) => this.#named(name) !== undefined
  )

  held(record: StoredRecord): StoredRecord | undefined {
    return this.slots.get(slotOf(record.kind, record.key))?.get(keyOf(record.member))
  }

  /**
   * All of them, or none and false: within `quotaBytes`, for which what has expired at `now` makes room. What is given
   * is kept as it is.
   */
  put(records: ReadonlyArray<StoredRecord>, quotaBytes: number, now: number): boolean {
    if (this.after(records) > quotaBytes && this.expire(now) >= 0 && this.after(records) > quotaBytes) return false
    for (const record of records) this.insert(record)
    return true
  }

  /** Answers what it took the place of. */
  insert(record: StoredRecord): StoredRecord | undefined {
    const slot = slotOf(record.kind, record.key)
    let members = this.slots.get(slot)
    if (members === undefined) {
      members = new Map()
      this.slots.set(slot, members)
    }
    const name = keyOf(record.member)
    const before = members.get(name)
    if (before === undefined) this.#names.came(nameOf(record))
    else this.totals.charge(chargeOf(before), -1)
    members.set(name, record)
    this.totals.charge(chargeOf(record), 1)
    return before
  }

  /** One member, or the entire set. */
  remove(kind: number, key: Uint8Array, member?: Uint8Array): void {
    const slot = slotOf(kind, key)
    if (member !== undefined) this.drop(slot, keyOf(member))
    else for (const name of this.slots.get(slot)?.keys() ?? []) this.drop(slot, name)
  }

  drop(slot: string, name: string): void {
    const members = this.slots.get(slot)
    const record = members?.get(name)
    if (members === undefined || record === undefined) return
    members.delete(name)
    if (members.size === 0) this.slots.delete(slot)
    this.#names.left()
    this.totals.charge(chargeOf(record), -1)
  }

  expire(now: number): number {
    let gone = 0
    for (const [slot, members] of this.slots) {
      for (const [name, record] of members) {
        if (record.expires > now) continue
        this.drop(slot, name)
        gone++
      }
    }
    return gone
  }

  /** Bytes held once these were put: later ones replace earlier ones. */
  after(records: ReadonlyArray<StoredRecord>): number {
    const [only] = records
    if (records.length === 1 && only !== undefined)
      return this.totals.all().bytes + only.bytes.length - (this.held(only)?.bytes.length ?? 0)
    const fresh = new Map(records.map((record) => [slotOf(record.kind, record.key) + keyOf(record.member), record]))
    let bytes = this.totals.all().bytes
    for (const record of fresh.values()) bytes += record.bytes.length - (this.held(record)?.bytes.length ?? 0)
    return bytes
  }

  /** Everything under a key, expired or not, by ascending `member`. */
  under(kind: number, key: Uint8Array): Array<StoredRecord> {
    const members = this.slots.get(slotOf(kind, key))
    return members === undefined ? [] : [...members].sort(byName).map(([, record]) => record)
  }

  page(kind: number, key: Uint8Array, after: Uint8Array | undefined, limit: number, now: number): Array<StoredRecord> {
    const members = this.slots.get(slotOf(kind, key))
    if (members === undefined) return []
    if (members.size === 1 && after === undefined) {
      for (const record of members.values()) return record.expires > now && limit > 0 ? [record] : []
    }
    const from = after === undefined ? undefined : keyOf(after)
    return [...members]
      .filter(([name, record]) => record.expires > now && (from === undefined || name > from))
      .sort(byName)
      .slice(0, limit)
      .map(([, record]) => record)
  }

  scan(afterKey: Uint8Array | undefined, limit: number): Array<StoredRecord> {
    const found: Array<StoredRecord> = []
    // Above every name of that key.
    const after = afterKey === undefined ? "" : `${keyOf(afterKey)}\uffff`
    let last = ""
    for (const name of this.#names.from(after, true)) {
      if (found.length >= limit && name.slice(0, 32) !== last) break
      const record = this.#named(name)
      if (record === undefined) continue
      found.push(record)
      last = name.slice(0, 32)
    }
    return found
  }

  list(
    range: KeyRange,
    limit: number,
    after: Pick<RecordSummary, "key" | "kind" | "member"> | undefined,
    sha256: Hash
  ): Array<RecordSummary> {
    const found: Array<RecordSummary> = []
    const first = range.from === undefined ? "" : keyOf(range.from)
    const last = range.to === undefined ? "\uffff" : `${keyOf(range.to)}\uffff`
    const passed = after === undefined ? "" : nameOf(after)
    for (const name of this.#names.from(passed > first ? passed : first, passed <= first)) {
      if (name > last || found.length >= limit) break
      const record = this.#named(name)
      if (record !== undefined) found.push(summaryOf(record, sha256))
    }
    return found
  }

  *#allNames(): Generator<string> {
    for (const members of this.slots.values()) for (const record of members.values()) yield nameOf(record)
  }

  #named(name: string): StoredRecord | undefined {
    return this.slots.get((name[32] as string) + name.slice(0, 32))?.get(name.slice(33))
  }
}
