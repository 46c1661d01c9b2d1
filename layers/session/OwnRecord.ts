/**
 * This node's own PeerRecord: where it listens, what others confirmed, whether it serves; signed anew when that changes
 * or grows old.
 */
import type { Contact } from "#core/identity/Contact"
import type { AgreementKey, Suite } from "#core/identity/Suite"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import { ADDRESSES_LIMIT } from "#schemas/identity/PeerRecord"
import { type Address, expecting } from "#schemas/transport/Address"
import { isPrivate } from "#schemas/transport/isPrivate"
import type { Identity } from "#services/identity/Identity"

export interface OwnRecordOptions {
  readonly suite: Suite
  readonly identity: Identity["Service"]
  /** At the start. */
  readonly capabilities: number
  /** What it shows while it serves, and only then. */
  readonly serving: number
  /** Milliseconds. */
  readonly lifetime: number
}

export class OwnRecord {
  readonly #options: OwnRecordOptions
  #listening: ReadonlyArray<Address> = []
  /** Confirmed by others, the latest first. */
  #external: ReadonlyArray<Address> = []
  #capabilities: number
  #contact: Contact
  #signedAt: number
  #onionKey: AgreementKey | undefined

  /** Times in unix milliseconds. */
  constructor(options: OwnRecordOptions, now: number) {
    this.#options = options
    this.#capabilities = options.capabilities
    this.#contact = this.#sign(now, now)
    this.#signedAt = now
  }

  get contact(): Contact {
    return this.#contact
  }

  get listening(): ReadonlyArray<Address> {
    return this.#listening.map((address) => expecting(address, this.#options.identity.nodeId))
  }

  listenAt(addresses: ReadonlyArray<Address>, now: number): void {
    this.#listening = addresses
    this.#renew(now)
  }

  addExternal(address: Address, now: number): void {
    if (this.#external[0]?.text === address.text) return
    const place = expecting(address, undefined)
    this.#external = [place, ...this.#external.filter((it) => it.text !== place.text)].slice(0, ADDRESSES_LIMIT / 2)
    this.#renew(now)
  }

  /** Whether others may name this node as one that answers the DHT's requests, and relays if it ever does. */
  setServing(serving: boolean, now: number): void {
    const bits = this.#options.serving
    const capabilities = serving ? this.#capabilities | bits : this.#capabilities & ~bits
    if (capabilities === this.#capabilities) return
    this.#capabilities = capabilities
    this.#renew(now)
  }

  /**
   * At half of its life (WIRE.md §6 lets a record live 30 days; this one is meant to be fresh), or with a new onion key:
   * that is the answer, since whoever holds the older record should be told.
   */
  sweep(now: number): boolean {
    const isOld = now - this.#signedAt >= this.#options.lifetime / 2
    const hasKey = this.#onionKey !== this.#options.identity.onionKeys.current
    if (isOld || hasKey) this.#renew(now)
    return hasKey
  }

  #renew(now: number): void {
    this.#contact = this.#sign(Math.max(this.#contact.record.seq + 1, now), now)
    this.#signedAt = now
  }

  #sign(seq: number, now: number): Contact {
    const { identity, lifetime, suite } = this.#options
    const issued = Math.floor(now / 1000)
    this.#onionKey = identity.onionKeys.current
    return signPeerRecord(suite, identity.signing, identity.networkId, {
      noise: identity.noise.publicKey,
      onion: this.#onionKey.publicKey,
      seq,
      issued,
      expires: issued + Math.floor(lifetime / 1000),
      capabilities: this.#capabilities,
      addresses: this.#advertised().map((address) => address.bytes)
    })
  }

  /** Strangers refuse private addresses, so telling them would only give away the inside of a network. */
  #advertised(): ReadonlyArray<Address> {
    const all = [
      ...this.#external,
      ...this.#listening.filter((own) => this.#external.every((it) => it.text !== own.text))
    ]
    return this.#options.identity.local ? all : all.filter((address) => !isPrivate(address))
  }
}
