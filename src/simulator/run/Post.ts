/**
 * What users have sent each other by onion routes, and what nodes were handed of it. Made before the world, whose nodes'
 * mailboxes know nothing else of a run; invariants hear of what happens through it.
 */
import { equalBytes } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { MARKER } from "./marker.ts"

/** Letters that are remembered; the oldest is forgotten first. */
const LETTERS = 20_000

/** Of a letter's number, which follows the marker at its head. */
const NUMBER_BYTES = 8

/** A letter that a run of a program was handed. */
export interface Handed {
  /** Of the node's program. */
  readonly run: number
  /** Milliseconds of the world. */
  readonly at: number
}

export interface Letter {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
  /** Milliseconds of the world. */
  readonly at: number
  readonly handed: Array<Handed>
}

export class Post {
  readonly #letters = new Map<number, Letter>()
  #next = 0
  /** Hears of everything that a node's mailbox is handed. */
  onHanded: ((nodeId: NodeId, bytes: Uint8Array) => void) | undefined
  /** Hears of every letter whose sender was told that it arrived. */
  onAcknowledged: ((letter: Letter) => void) | undefined

  /** Head of the next letter, to be sent with whatever bytes follow it. */
  head(): Uint8Array {
    const head = new Uint8Array(MARKER.length + NUMBER_BYTES)
    head.set(MARKER)
    new DataView(head.buffer).setBigUint64(MARKER.length, BigInt(this.#next++))
    return head
  }

  get letters(): ReadonlyArray<Letter> {
    return [...this.#letters.values()]
  }

  /** Its bytes begin with a head of this post. */
  sends(letter: Omit<Letter, "handed">): Letter {
    const sent = { ...letter, handed: [] }
    if (this.#letters.size >= LETTERS) this.#letters.delete(this.#letters.keys().next().value ?? -1)
    this.#letters.set(this.#numberOf(letter.bytes) ?? -1, sent)
    return sent
  }

  /** The letter that these bytes are, for that node; undefined for what nobody sent to it. */
  find(node: number, bytes: Uint8Array): Letter | undefined {
    const number = this.#numberOf(bytes)
    const letter = number === undefined ? undefined : this.#letters.get(number)
    return letter?.to === node && equalBytes(letter.bytes, bytes) ? letter : undefined
  }

  #numberOf(bytes: Uint8Array): number | undefined {
    const { length } = MARKER
    if (bytes.length < length + NUMBER_BYTES || !equalBytes(bytes.subarray(0, length), MARKER)) return undefined
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(length))
  }
}
