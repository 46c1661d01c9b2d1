/** The two keys of a session at work: rows become sealed BATCH frames and back, and keys are exchanged in time. */
import { release } from "#schemas/bytes/release"
import { Flag, FrameType, flagsOf, HEADER_BYTES, writeHeader } from "#schemas/session/Frame"
import { REKEY_FRAMES, REKEY_OVERDUE } from "#services/session/Limits"
import type { Cipher } from "./Handshaker.ts"

/** Times in milliseconds. */
export class SendingKey {
  readonly #cipher: Cipher
  readonly #maxAge: number
  #since: number
  #frames = 0

  constructor(cipher: Cipher, maxAge: number, now: number) {
    this.#cipher = cipher
    this.#maxAge = maxAge
    this.#since = now
  }

  /** The whole frame, in pieces. The header is the associated data, so that its flags cannot be changed on the way. */
  seal(row: ReadonlyArray<Uint8Array>, now: number): ReadonlyArray<Uint8Array> {
    let length = 0
    for (const part of row) length += part.length
    const rekey = ++this.#frames >= REKEY_FRAMES || now - this.#since >= this.#maxAge
    const header = new Uint8Array(HEADER_BYTES)
    writeHeader(header, 0, FrameType.BATCH, rekey ? Flag.SEALED | Flag.REKEY : Flag.SEALED, length)
    const frame = [header, ...this.#cipher.seal(header, row)]
    if (rekey) {
      this.#cipher.rekey()
      this.#frames = 0
      this.#since = now
    }
    return frame
  }
}

export type Unreadable = "unsealed frame" | "malformed" | "bad mac" | "rekey overdue"

export class ReceivingKey {
  readonly #cipher: Cipher
  #frames = 0

  constructor(cipher: Cipher) {
    this.#cipher = cipher
  }

  /** The row that a frame carries, or why the session must end. The frame is used up. */
  open(frame: Uint8Array): Uint8Array | Unreadable {
    const flags = flagsOf(frame)
    if ((flags & Flag.SEALED) === 0) return "unsealed frame"
    if (frame[1] !== FrameType.BATCH) return "malformed"
    const row = this.#cipher.open(frame.subarray(0, HEADER_BYTES), frame.subarray(HEADER_BYTES))
    if (row === undefined) return "bad mac"
    if (row.buffer !== frame.buffer) release(frame)
    if ((flags & Flag.REKEY) !== 0) {
      this.#cipher.rekey()
      this.#frames = 0
    } else if (++this.#frames >= REKEY_OVERDUE) {
      return "rekey overdue"
    }
    return row
  }
}
