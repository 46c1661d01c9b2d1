/**
 * Who promised to keep what, and until when: the latest promises, bounded. Of one thing the latest put counts.
 *
 * A holder that is found wanting leaves all receipts at once. Which things then have nobody left is what its owner has to
 * know; what still has others, they make up for among themselves.
 */
import { bytesOfKey, keyOf } from "#schemas/bytes/bytes"

export interface Acknowledged {
  readonly kind: number
  readonly key: Uint8Array
  readonly holders: ReadonlyArray<Uint8Array>
  /** Unix seconds. */
  readonly expires: number
}

/** One thing that one holder is to prove. */
export interface Probe {
  readonly kind: number
  readonly key: Uint8Array
  readonly holder: Uint8Array
}

interface Receipt {
  readonly kind: number
  readonly key: Uint8Array
  readonly expires: number
  /** By `keyOf` the NodeId; true once it has proven it. */
  readonly holders: Map<string, boolean>
}

const nameOf = (kind: number, key: Uint8Array): string => String.fromCharCode(kind) + keyOf(key)

export class ReceiptBook {
  /** 0 keeps nothing. */
  readonly #limit: number
  /** Oldest first. */
  readonly #receipts = new Map<string, Receipt>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#receipts.size
  }

  add({ expires, holders, key, kind }: Acknowledged): void {
    const name = nameOf(kind, key)
    this.#receipts.delete(name)
    if (holders.length === 0 || this.#limit === 0) return
    if (this.#receipts.size >= this.#limit) this.#receipts.delete(this.#receipts.keys().next().value ?? "")
    const copy = new Map(holders.map((holder) => [keyOf(holder), false]))
    this.#receipts.set(name, { kind, key: key.slice(), expires, holders: copy })
  }

  /** What was promised of this is of no interest any more. */
  drop(kind: number, key: Uint8Array): void {
    this.#receipts.delete(nameOf(kind, key))
  }

  /** One thing of each holder, at most `count` holders; `pick` chooses a whole number below its argument. */
  probes(now: number, count: number, pick: (below: number) => number): ReadonlyArray<Probe> {
    const byHolder = new Map<string, Array<Receipt>>()
    for (const [name, receipt] of this.#receipts) {
      if (receipt.expires <= now) {
        this.#receipts.delete(name)
        continue
      }
      for (const holder of receipt.holders.keys()) {
        const others = byHolder.get(holder)
        if (others === undefined) byHolder.set(holder, [receipt])
        else others.push(receipt)
      }
    }
    const holders = [...byHolder]
    const probes: Array<Probe> = []
    while (probes.length < count && holders.length > 0) {
      const [chosen] = holders.splice(pick(holders.length), 1)
      if (chosen === undefined) break
      const [holder, receipts] = chosen
      const receipt = receipts[pick(receipts.length)]
      if (receipt !== undefined)
        probes.push({
          kind: receipt.kind,
          key: receipt.key,
          holder: bytesOfKey(holder)
        })
    }
    return probes
  }

  /** It has proven it; answers how many have. */
  proven({ holder, key, kind }: Probe): number {
    const receipt = this.#receipts.get(nameOf(kind, key))
    const name = keyOf(holder)
    if (receipt?.holders.has(name) === true) receipt.holders.set(name, true)
    return [...(receipt?.holders.values() ?? [])].filter(Boolean).length
  }

  /** It does not keep what it promised: the things that have no holder left, which are forgotten. */
  lost(holder: Uint8Array): ReadonlyArray<Pick<Probe, "kind" | "key">> {
    const gone = keyOf(holder)
    const alone: Array<Pick<Probe, "kind" | "key">> = []
    for (const [name, { holders, key, kind }] of this.#receipts) {
      if (!holders.delete(gone) || holders.size > 0) continue
      this.#receipts.delete(name)
      alone.push({ kind, key })
    }
    return alone
  }
}
