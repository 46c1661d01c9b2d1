/** Running totals for each storing node, and for all: what both record stores charge and what a quota is held against. */
import { keyOf } from "#schemas/bytes/bytes"
import type { StoreUsage } from "#services/storage/RecordStore"

export interface Charge {
  readonly storedBy: Uint8Array
  readonly size: number
}

const NOTHING: StoreUsage = { records: 0, bytes: 0 }

export class UsageTotals {
  /** One entry a storing node that has records here: bounded by the quota, for each holds at least one byte. */
  readonly #nodes = new Map<string, StoreUsage>()
  #all: StoreUsage = NOTHING

  all(): StoreUsage {
    return this.#all
  }

  of(storedBy: Uint8Array): StoreUsage {
    return this.#nodes.get(keyOf(storedBy)) ?? NOTHING
  }

  set(storedBy: Uint8Array, usage: StoreUsage): void {
    const key = keyOf(storedBy)
    const before = this.#nodes.get(key) ?? NOTHING
    if (usage.records === 0) this.#nodes.delete(key)
    else this.#nodes.set(key, usage)
    this.#all = {
      records: this.#all.records + usage.records - before.records,
      bytes: this.#all.bytes + usage.bytes - before.bytes
    }
  }

  /** One record more (`sign` 1) or less (−1). */
  charge(charge: Charge, sign: 1 | -1): void {
    const before = this.of(charge.storedBy)
    this.set(charge.storedBy, { records: before.records + sign, bytes: before.bytes + sign * charge.size })
  }
}

/** A storing node's, as they are to be. */
export type Total = readonly [storedBy: Uint8Array, records: number, bytes: number]

/** The changes of one transaction to the totals, applied to them only after it has committed. */
export class UsageChanges {
  readonly #nodes = new Map<string, { readonly storedBy: Uint8Array; records: number; bytes: number }>()
  bytes = 0

  charge(storedBy: Uint8Array, size: number, sign: 1 | -1): void {
    const key = keyOf(storedBy)
    const change = this.#nodes.get(key) ?? { storedBy, records: 0, bytes: 0 }
    change.records += sign
    change.bytes += sign * size
    this.bytes += sign * size
    this.#nodes.set(key, change)
  }

  onto(totals: UsageTotals): ReadonlyArray<Total> {
    return [...this.#nodes.values()].map(({ storedBy, records, bytes }) => {
      const before = totals.of(storedBy)
      return [storedBy, before.records + records, before.bytes + bytes] as const
    })
  }
}
