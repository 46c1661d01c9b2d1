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
import type { Connection } from "#services/transport/Transport"
import { type Cipher, HandshakeFailed, type Handshaker, Turns } from "./Handshaker.ts"
import type { Introducer } from "./introductions.ts"

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
  const judge = (payload: Uint8Array, theirs: Uint8Array, expected: NodeId | undefined) =>
    equalBytes(theirs, networkId)
      ? Effect.fromResult(introducer.judge(payload, undefined, expected))
      : new HandshakeFailed({ reason: "bad mac" })

  const meet = Effect.fnUntraced(function* (connection: Connection, expected: NodeId) {
    const turns = new Turns(connection)
    turns.say([networkId])
    const answer = yield* turns.hear
    const end = networkId.length
    return { turns, peer: yield* judge(answer.subarray(end), answer.subarray(0, end), expected) }
  })

  return {
    dial: Effect.fnUntraced(function* (connection, expected) {
      const { peer, turns } = yield* meet(connection, expected)
      turns.say(introducer.own(connection.address))
      return { ...peer, send: new PlainCipher(), receive: new PlainCipher(), rest: turns.rest }
    }),
    probe: (connection, expected) => Effect.asVoid(meet(connection, expected)),
    accept: Effect.fnUntraced(function* (connection) {
      const turns = new Turns(connection)
      const theirs = yield* turns.hear
      if (theirs.length !== networkId.length) return yield* new HandshakeFailed({ reason: "malformed" })
      // Answered whatever it is: under XX, too, the first message cannot be told from one of another network.
      turns.say([networkId, ...introducer.own(connection.address)])
      const peer = yield* judge(yield* turns.hear, theirs, undefined)
      return { ...peer, send: new PlainCipher(), receive: new PlainCipher(), rest: turns.rest }
    })
  }
})

const writeUint32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

const readUint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
