/**
 * The onion as WIRE §4 says it, line by line on noble and with nothing of ours: what the quick one is held against, and
 * what the test vectors are made with.
 */
import { chacha20, chacha20poly1305 } from "@noble/ciphers/chacha.js"
import { x25519 } from "@noble/curves/ed25519.js"
import { hkdf } from "@noble/hashes/hkdf.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js"

const ZERO_NONCE = new Uint8Array(12)
const zeros = (count: number) => new Uint8Array(count)

/** k_head ‖ k_stack ‖ k_body. */
const keysOf = (dh: Uint8Array, ephemeral: Uint8Array, onion: Uint8Array) => {
  const okm = hkdf(sha256, dh, concatBytes(ephemeral, onion), utf8ToBytes("allium/1 onion"), 96)
  return { head: okm.slice(0, 32), stack: okm.slice(32, 64), body: okm.slice(64) }
}

const nextStack = (key: Uint8Array, stack: Uint8Array) =>
  chacha20(key, ZERO_NONCE, concatBytes(stack.slice(140), zeros(140)), undefined, 0)

export interface NaivePeeled {
  readonly header: Uint8Array
  readonly next: Uint8Array
  readonly body: Uint8Array
}

/** Throws where anything is wrong that a tag shows. */
export const naivePeel = (secret: Uint8Array, cell: Uint8Array): NaivePeeled => {
  const [ephemeral, nonce, sealed] = [cell.slice(0, 32), cell.slice(32, 44), cell.slice(44, 140)]
  const [stack, body] = [cell.slice(0, 700), cell.slice(700)]
  const keys = keysOf(x25519.getSharedSecret(secret, ephemeral), ephemeral, x25519.getPublicKey(secret))
  const header = chacha20poly1305(keys.head, nonce, stack.slice(140)).decrypt(sealed)
  const isReply = (header[0]! & 2) !== 0
  const isLast = (header[0]! & 1) !== 0
  const tag = header.slice(56, 72)
  const opened = !isReply
    ? chacha20poly1305(keys.body, ZERO_NONCE).decrypt(concatBytes(body, tag))
    : isLast
      ? body
      : chacha20(keys.body, ZERO_NONCE, body, undefined, 1)
  return { header, body: opened, next: concatBytes(nextStack(keys.stack, stack), opened) }
}

export interface NaiveLayer {
  /** The hop's public key. */
  readonly onion: Uint8Array
  /** The secret half of the layer's ephemeral key. */
  readonly ephemeral: Uint8Array
  readonly nonce: Uint8Array
  /** Encoded; of a request, zeros stand where the body's tag comes. */
  readonly header: Uint8Array
}

/** `body` seals it as well (a request); without one it is the stack alone (a reply block). `unused`: the random slots. */
export const naiveBuild = (layers: ReadonlyArray<NaiveLayer>, unused: Uint8Array, body?: Uint8Array): Uint8Array => {
  const keys = layers.map(({ ephemeral, onion }) =>
    keysOf(x25519.getSharedSecret(ephemeral, onion), x25519.getPublicKey(ephemeral), onion)
  )
  // The tail: whatever the stack was, this is what the hops before the last make of the zeros they append.
  let peeled: Uint8Array = zeros(700)
  for (const { stack } of keys.slice(0, -1)) peeled = nextStack(stack, peeled)
  const tail = peeled.slice(700 - 140 * (layers.length - 1))
  let rest = concatBytes(unused, layers.length === 1 ? zeros(0) : tail)
  let sealedBody = body
  let stack: Uint8Array = zeros(0)
  for (let hop = layers.length - 1; hop >= 0; hop--) {
    const { ephemeral, header, nonce } = layers[hop]!
    const { body: bodyKey, head, stack: stackKey } = keys[hop]!
    const whole = header.slice()
    if (sealedBody !== undefined) {
      const sealed = chacha20poly1305(bodyKey, ZERO_NONCE).encrypt(sealedBody)
      sealedBody = sealed.slice(0, -16)
      whole.set(sealed.slice(-16), 56)
    }
    if (hop < layers.length - 1)
      rest = chacha20(stackKey, ZERO_NONCE, concatBytes(stack, zeros(0)), undefined, 0).slice(0, 560)
    stack = concatBytes(x25519.getPublicKey(ephemeral), nonce, chacha20poly1305(head, nonce, rest).encrypt(whole), rest)
  }
  return sealedBody === undefined ? stack : concatBytes(stack, sealedBody)
}

/** What the responder sends: the block's stack, and the payload sealed under the block's key. */
export const naiveReply = (stack: Uint8Array, replyKey: Uint8Array, payload: Uint8Array): Uint8Array =>
  concatBytes(stack, chacha20poly1305(replyKey, ZERO_NONCE).encrypt(payload))
