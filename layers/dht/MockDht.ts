/**
 * The Dht without a network, for tests of apps: one node that holds everything itself, under the same laws and limits
 * as the real one. It signs with the node's identity where there is one, else with a key of its own.
 */
import { Clock, Effect, Layer, Option, Result } from "effect"
import { nodeIdOf, signArray } from "#core/identity/signature"
import { keyOf } from "#schemas/bytes/bytes"
import { digestOf } from "#schemas/content/Cid"
import * as Mutable from "#schemas/dht/Mutable"
import { BLOCK_LIMIT, LIFETIME, RECORD_LIMIT, SHORT_LIFETIME, WEEK_LIFETIME } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import {
  Dht,
  InvalidRecord,
  NotFound,
  type OperationOptions,
  PrivacyUnavailable,
  type ProviderInfo,
  type PutOptions
} from "#services/dht/Dht"
import { MOST_REPLICAS, REPLICATION_FACTOR } from "#services/dht/Limits"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"

/** Whoever stands behind a mock that was given no identity. */
const SEED = new Uint8Array(32)

interface Kept {
  readonly bytes: Uint8Array
  readonly expires: number
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(Math.trunc(value), least), most)

export const make = Effect.gen(function* () {
  const suite = yield* Crypto
  const clock = yield* Clock.Clock
  const { networkId, signing } = Option.getOrElse(yield* Effect.serviceOption(Identity), () => ({
    signing: suite.signingKey(SEED),
    networkId: suite.sha256(SEED)
  }))
  const publicKey = signing.publicKey as PublicKey
  const nodeId = nodeIdOf(suite, publicKey)
  const blocks = new Map<string, Kept>()
  const versions = new Map<string, Kept & { readonly seq: number }>()
  const providers = new Map<string, ProviderInfo>()
  const now = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const live = <A extends { readonly expires: number }>(held: A | undefined): A | undefined =>
    held !== undefined && held.expires > now() ? held : undefined

  const expiry = (options: PutOptions, most: number): number => now() + clamp(options.lifetime ?? most, 1, most)

  const receipt = (key: Uint8Array, expires: number, options: PutOptions) => ({
    key,
    reached: 1,
    factor: clamp(options.factor ?? REPLICATION_FACTOR, 1, MOST_REPLICAS),
    holders: [nodeId],
    expires,
    lookup: { requests: 0, failures: 0, hops: 0, milliseconds: 0 }
  })

  const directly = (options: OperationOptions | undefined) =>
    options?.privacy === "anonymous" ? Effect.fail(new PrivacyUnavailable()) : Effect.void

  const invalid = (reason: string) => new InvalidRecord({ reason })

  return Dht.of({
    putBlock: Effect.fnUntraced(function* (bytes, options = {}) {
      yield* directly(options)
      if (bytes.length > BLOCK_LIMIT) return yield* invalid(`a block has at most ${BLOCK_LIMIT} bytes`)
      const key = suite.sha256(bytes)
      const expires = Math.max(expiry(options, WEEK_LIFETIME), live(blocks.get(keyOf(key)))?.expires ?? 0)
      blocks.set(keyOf(key), { bytes: bytes.slice(), expires })
      return receipt(key, expires, options)
    }),
    getBlock: Effect.fnUntraced(function* (digest, options) {
      yield* directly(options)
      return live(blocks.get(keyOf(digest)))?.bytes ?? (yield* new NotFound({ key: digest, asked: 0 }))
    }),
    putMutable: Effect.fnUntraced(function* (salt, value, options = {}) {
      yield* directly(options)
      if (salt.length > Mutable.SALT_LIMIT) return yield* invalid(`a salt has at most ${Mutable.SALT_LIMIT} bytes`)
      const key = suite.sha256(Mutable.keyPreimage(publicKey, salt))
      const seq = Math.max((versions.get(keyOf(key))?.seq ?? 0) + 1, clock.currentTimeMillisUnsafe())
      const expires = value.length === 0 ? now() + LIFETIME : expiry(options, LIFETIME)
      const fields = { author: publicKey, salt, seq, issued: now(), expires, value }
      const signature = signArray(signing, "mutable", networkId, Mutable.unsigned(fields))
      const bytes = Mutable.write({ ...fields, signature })
      if (bytes.length > RECORD_LIMIT) return yield* invalid(`a mutable record has at most ${RECORD_LIMIT} bytes`)
      versions.set(keyOf(key), { bytes, expires, seq })
      return { ...receipt(key, expires, options), seq }
    }),
    getMutable: Effect.fnUntraced(function* (author, salt, options) {
      yield* directly(options)
      const key = suite.sha256(Mutable.keyPreimage(author, salt))
      const held = live(versions.get(keyOf(key)))
      const record = held === undefined ? undefined : Result.getOrUndefined(Mutable.read(held.bytes))
      if (record === undefined || Mutable.isDeletion(record)) return yield* new NotFound({ key, asked: 0 })
      return new Mutable.Mutable(record)
    }),
    provide: Effect.fnUntraced(function* (cid, options = {}) {
      yield* directly(options)
      const key = digestOf(cid).slice()
      const expires = expiry(options, SHORT_LIFETIME)
      providers.set(keyOf(key), { nodeId, publicKey, issued: now(), expires })
      return receipt(key, expires, options)
    }),
    findProviders: Effect.fnUntraced(function* (cid, options) {
      yield* directly(options)
      const provider = live(providers.get(keyOf(digestOf(cid))))
      return provider === undefined ? [] : [provider]
    })
  })
})

export const layer = Layer.effect(Dht, make)
