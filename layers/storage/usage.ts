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
