/**
 * A handshake without cryptography, for simulations of many nodes: the turns of Noise XX, the same judgement of
 * records, and macs that are constants. It proves nothing about who is there; never listen with it where strangers are.
 *
 *   → network id 32,  ← network id 32 ‖ introduction,  → introduction
 */
import { Effect } from "effect"
import { allocate, equalBytes } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { MAC_BYTES } from "#schemas/session/Frame"
import { Identity } from "#services/identity/Identity"
import type { Cipher, Established, Handshaker, Refusal } from "./Handshaker.ts"
import type { Introduced, Introducer } from "./introductions.ts"

/** The mac counts, so that a frame which is replayed, lost or changed in its mac is noticed as under a real cipher. */
class PlainCipher implements Cipher {
  #counter = 0
  #key = 1

  seal(_: Uint8Array, parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> {
    const mac = allocate(MAC_BYTES)
    writeUint32(mac, 0, this.#counter++)
    writeUint32(mac, 4, this.#key)
    return [...parts, mac]
  }

  open(_: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - MAC_BYTES
    if (end < 0 || readUint32(sealed, end) !== this.#counter || readUint32(sealed, end + 4) !== this.#key) {
      return undefined
    }
    for (let at = end + 8; at < sealed.length; at++) if (sealed[at] !== 0) return undefined
    this.#counter++
    return sealed.subarray(0, end)
  }

  rekey(): void {
    this.#key++
  }
}

/** For the network of this node. */
export const makePlainHandshaker = Effect.map(Identity, ({ networkId }) => (introducer: Introducer): Handshaker => {
  const end = networkId.length

  /** The second message: whose it is, of which network. */
  const met = (answer: Uint8Array, expected: NodeId): Introduced | Refusal =>
    equalBytes(answer.subarray(0, end), networkId)
      ? introducer.judge(answer.subarray(end), undefined, expected)
      : "bad mac"

  return {
    dial: (expected, observed) => ({
      begin: (say) => say([networkId]),
      hear: (answer, say) => {
        const peer = met(answer, expected)
        if (typeof peer === "string") return peer
        say(introducer.own(observed))
        return established(peer)
      }
    }),
    probe: (expected) => ({ begin: (say) => say([networkId]), hear: (answer) => met(answer, expected) }),
    accept: (observed) => {
      let theirs: Uint8Array | undefined
      return {
        begin: () => {},
        hear: (message, say) => {
          if (theirs === undefined) {
            if (message.length !== end) return "malformed"
            theirs = message
            // Answered whatever it is: under XX, too, the first message cannot be told from one of another network.
            say([networkId, ...introducer.own(observed)])
            return undefined
          }
          if (!equalBytes(theirs, networkId)) return "bad mac"
          const peer = introducer.judge(message, undefined, undefined)
          return typeof peer === "string" ? peer : established(peer)
        }
      }
    }
  }
})

const established = ({ boot, contact, hello }: Introduced): Established => ({
  contact,
  boot,
  hello,
  send: new PlainCipher(),
  receive: new PlainCipher()
})

const writeUint32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

const readUint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
