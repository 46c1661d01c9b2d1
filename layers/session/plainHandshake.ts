/**
 * A handshake without cryptography, for simulations of many nodes: the same frames, the same judgement of records, and
 * macs that are constants. It proves nothing about who is there; never listen with it where strangers are.
 *
 *   → network id 32 ‖ introduction,  ← the same,  → one byte: the dialler has seen whom it expected
 */
import { Effect } from "effect"
import { concatBytes, equalBytes } from "#schemas/bytes/bytes"
import { MAC_BYTES } from "#schemas/session/Frame"
import { type Cipher, HandshakeFailed, type Handshaker, Turns } from "./Handshaker.ts"
import type { Introducer } from "./introductions.ts"

const DONE = Uint8Array.of(1)

/** The mac counts, so that a frame which is replayed, lost or changed in its mac is noticed as under a real cipher. */
class PlainCipher implements Cipher {
  #counter = 0
  #key = 1

  #mac(): Uint8Array {
    const mac = new Uint8Array(MAC_BYTES)
    const view = new DataView(mac.buffer)
    view.setUint32(0, this.#counter)
    view.setUint32(4, this.#key)
    return mac
  }

  seal(_: Uint8Array, parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> {
    const mac = this.#mac()
    this.#counter++
    return [...parts, mac]
  }

  open(_: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - MAC_BYTES
    if (end < 0 || !equalBytes(sealed.subarray(end), this.#mac())) return undefined
    this.#counter++
    return sealed.subarray(0, end)
  }

  rekey(): void {
    this.#key++
  }
}

export const makePlainHandshaker =
  (networkId: Uint8Array) =>
  (introducer: Introducer): Handshaker => {
    const introduction = () => concatBytes([networkId, introducer.own()])

    const judge = Effect.fnUntraced(function* (message: Uint8Array, expected: Parameters<Introducer["judge"]>[2]) {
      if (!equalBytes(message.subarray(0, networkId.length), networkId)) {
        return yield* new HandshakeFailed({ reason: "bad mac" })
      }
      return yield* Effect.fromResult(introducer.judge(message.subarray(networkId.length), undefined, expected))
    })

    return {
      dial: Effect.fnUntraced(function* (connection, expected) {
        const turns = new Turns(connection)
        turns.say(introduction())
        const peer = yield* judge(yield* turns.hear, expected)
        turns.say(DONE)
        return { ...peer, send: new PlainCipher(), receive: new PlainCipher(), rest: turns.rest }
      }),
      accept: Effect.fnUntraced(function* (connection) {
        const turns = new Turns(connection)
        const peer = yield* judge(yield* turns.hear, undefined)
        turns.say(introduction())
        if (!equalBytes(yield* turns.hear, DONE)) return yield* new HandshakeFailed({ reason: "malformed" })
        return { ...peer, send: new PlainCipher(), receive: new PlainCipher(), rest: turns.rest }
      })
    }
  }
