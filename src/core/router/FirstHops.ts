/**
 * Whom paths begin with, there and back: the guards, one of them at a time, so that whoever cannot be dialled is found by it
 * alone; and of which relays new ones are chosen.
 */
import type { TableNode } from "#core/dht/TableEntry"
import { GUARDS, type Guards } from "./Guards.ts"
import type { Relay, RelayTable } from "./RelayTable.ts"
import { uptimeFactor, weightOf } from "./relayWeight.ts"

/** Among fewer, guards are chosen only when there are no more to be found: those met first need not be the best. */
export const GUARDS_AMONG = 16

/** Milliseconds after which a relay is no sudden guest. */
const LONG_KNOWN = 3_600_000

export class FirstHops<C extends TableNode> {
  readonly #relays: RelayTable<C>
  readonly #guards: Guards<C>
  /** The guard that has its turn. */
  #inUse: string | undefined

  constructor(relays: RelayTable<C>, guards: Guards<C>) {
    this.#relays = relays
    this.#guards = guards
  }

  /** Chooses guards that are wanted, of these; `isAll`: of no more than these. */
  tend(fresh: ReadonlyArray<Relay<C>>, isAll: boolean, avoid: ReadonlyArray<string>, now: number): void {
    this.#guards.tend(now)
    let wanted = this.#guards.wanted(avoid)
    if (wanted === 0 || (fresh.length < GUARDS_AMONG && !isAll)) return
    const candidates = fresh.map((relay) => ({
      key: relay.key,
      networks: relay.networks,
      contact: relay.contact,
      weight: guardWeight(relay, now),
      isLongKnown: relay.confirmedAt - relay.since >= LONG_KNOWN
    }))
    while (wanted > 0 && this.#guards.choose(candidates, now)) wanted--
  }

  /** The usable guards, from the one in use on. */
  usable(avoid: ReadonlyArray<string>, now: number): ReadonlyArray<Relay<C>> {
    const usable = this.#guards.usable(avoid, (key) => isFreshIn(this.#relays, key, now))
    const from = Math.max(
      0,
      usable.findIndex(({ key }) => key === this.#inUse)
    )
    return [...usable.slice(from), ...usable.slice(0, from)].flatMap(({ key }) => this.#relays.find(key) ?? [])
  }

  /** The guard of this path, if it is the one in use, makes way for the next one. */
  passOn(path: ReadonlyArray<C>): void {
    const guards = this.#guards.all().slice(0, GUARDS)
    const at = guards.findIndex(({ key }) => key === (this.#inUse ?? guards[0]?.key))
    const isOurs = path[0]?.key === guards[at]?.key || path.at(-1)?.key === guards[at]?.key
    if (at >= 0 && isOurs) this.#inUse = guards[(at + 1) % guards.length]?.key
  }
}

export const isFreshIn = <C extends TableNode>(relays: RelayTable<C>, key: string, now: number): boolean => {
  const relay = relays.find(key)
  return relay !== undefined && relays.isFresh(relay, now)
}

/** Speed does not matter: whoever is near could make sure of it. */
const guardWeight = (relay: Relay<unknown>, now: number): number =>
  weightOf({ ...relay, latency: undefined }, now) * uptimeFactor(relay.confirmedAt - relay.since)
