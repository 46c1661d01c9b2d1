/**
 * ChaCha20-Poly1305 for short messages, in WebAssembly: nearly all of a session's messages are, and `node:crypto` spends
 * 4 µs on making its objects before the first byte, twice what the whole of 64 bytes takes here. Beyond `SMALL_LIMIT`
 * the native code is faster, by an order of magnitude in the end.
 *
 * One instance for all keys, so every call brings its key and wipes it, with the plaintext, before it answers.
 */
import { newInstance } from "@chainsafe/as-chacha20poly1305"
import { KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH } from "#core/identity/Suite"

/** Bytes of text up to which this is the faster way; the two meet between 300 and 400. */
export const SMALL_LIMIT = 256

/** Associated data for which the module has room: a frame's header, and the transcript of a handshake. */
export const ASSOCIATED_LIMIT = 32

const wasm = newInstance()

/** All that the module can remember. */
export const memory = (): Uint8Array => new Uint8Array(wasm.memory.buffer)

const view = (at: { readonly value: number }, length: number) => new Uint8Array(wasm.memory.buffer, at.value, length)

const keyIn = view(wasm.cpKey, KEY_LENGTH)
const nonceIn = view(wasm.cpNonce, NONCE_LENGTH)
const associatedIn = view(wasm.cpAssociatedData, ASSOCIATED_LIMIT)
const textIn = view(wasm.cpInput, SMALL_LIMIT)
const textOut = view(wasm.chacha20Output, SMALL_LIMIT)
const tagOut = view(wasm.poly1305Output, TAG_LENGTH)

/** Where the module copies keys and texts to, each as far as a short message reaches. */
const traces = [
  keyIn,
  textIn,
  textOut,
  view(wasm.chacha20Key, KEY_LENGTH),
  view(wasm.poly1305Key, KEY_LENGTH),
  view(wasm.chacha20Input, SMALL_LIMIT),
  view(wasm.poly1305Input, SMALL_LIMIT)
]

const wipe = (): void => {
  for (const trace of traces) trace.fill(0)
}

const begin = (key: Uint8Array, nonce: Uint8Array, associated: Uint8Array): void => {
  keyIn.set(key)
  nonceIn.set(nonce)
  associatedIn.set(associated)
}

/** The ciphertext and the tag. `length` is that of all parts. */
export const sealSmall = (
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  parts: ReadonlyArray<Uint8Array>,
  length: number
): ReadonlyArray<Uint8Array> => {
  begin(key, nonce, associated)
  let at = 0
  for (const part of parts) {
    textIn.set(part, at)
    at += part.length
  }
  wasm.sealUpdate(true, true, length, length, associated.length)
  const sealed = new Uint8Array(length + TAG_LENGTH)
  sealed.set(textOut.subarray(0, length))
  sealed.set(tagOut, length)
  wipe()
  return [sealed.subarray(0, length), sealed.subarray(length)]
}

/** The plaintext; undefined if anything was changed. `sealed` holds at least a tag. */
export const openSmall = (
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined => {
  const length = sealed.length - TAG_LENGTH
  begin(key, nonce, associated)
  textIn.set(sealed.subarray(0, length))
  wasm.openUpdate(true, true, length, length, associated.length)
  let different = 0 // all bytes are looked at, so that the time tells nothing
  for (let index = 0; index < TAG_LENGTH; index++) different |= tagOut[index]! ^ sealed[length + index]!
  const plain = different === 0 ? textOut.slice(0, length) : undefined
  wipe()
  return plain
}
