/**
 * What a lying node has to tell: a bounded pool of identities that it made itself, each properly signed and found
 * nowhere, and ways to spoil the records of others.
 */
import { Clock, Effect, Result } from "effect"
import { compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import { LIFETIME } from "#schemas/dht/Record"
import { DHT_SERVER, write } from "#schemas/identity/PeerRecord"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { SessionManager } from "#services/session/SessionManager"

/** Identities of one liar. */
export const FAKES = 64
const KEY_BYTES = 32
/** Above every memory address that is in use. */
const FAR = 900_000_000_000

/** The last bit of a record lies within its signature. */
export const brokenSignature = (record: Uint8Array): Uint8Array => {
  const broken = record.slice()
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
  return broken
}

/** The peer's own record, but for its addresses; the signature is of what stood there before. */
export const moved = ({ record }: Contact, to: Uint8Array): Uint8Array => write({ ...record, addresses: [to] })

export interface Liars {
  /** The pool's closest to a target, closest first. */
  readonly closest: (target: Uint8Array, count: number) => ReadonlyArray<Contact>
  /** Of an address at which nobody listens. */
  readonly nowhere: () => Uint8Array
}

const bytesOf = (text: string): Uint8Array => Result.getOrThrow(parseAddress(text)).bytes

/** Now where a machine says at once that nobody listens, now where there is no machine that could say it. */
const emptyAddress = (own: Address | undefined, bytes: (count: number) => Uint8Array): Uint8Array => {
  const [a = 0, b = 0, c = 0, d = 0] = bytes(4)
  if (own === undefined || own.kind === "memory") return bytesOf(`/memory/${FAR + ((a << 16) | (b << 8) | c)}`)
  return bytesOf(a % 2 === 0 ? `/ip4/${own.host}/tcp/9` : `/ip4/45.${b}.${c}.${d}/tcp/4001`)
}

export const makeLiars = Effect.gen(function* () {
  const [suite, { networkId }, { bytes }] = [yield* Crypto, yield* Identity, yield* SecureRandom]
  const [sessions, now] = [yield* SessionManager, Math.floor((yield* Clock.currentTimeMillis) / 1000)]
  const nowhere = () => emptyAddress(sessions.listening()[0], bytes)
  const pool = Array.from({ length: FAKES }, () =>
    signPeerRecord(suite, suite.signingKey(bytes(KEY_BYTES)), networkId, {
      noise: bytes(KEY_BYTES),
      onion: bytes(KEY_BYTES),
      seq: now,
      issued: now,
      expires: now + LIFETIME,
      capabilities: DHT_SERVER,
      addresses: [nowhere()]
    })
  )
  const closest: Liars["closest"] = (target, count) =>
    pool.toSorted((a, b) => compareDistance(target, a.nodeId, b.nodeId)).slice(0, count)
  return { closest, nowhere } satisfies Liars
})
