/**
 * From a byte stream, cut anywhere, to whole frames (WIRE.md §2).
 *
 * Judges each frame by its header, before anything is kept for it: before the handshake anybody may be talking. Holds
 * at most one unfinished frame, in a buffer that grows with what really arrived, four times at most, so that declared
 * lengths cost nothing and the copying stays linear however small the pieces are.
 */
import {
  Flag,
  FrameType,
  HANDSHAKE_LIMIT,
  HEADER_BYTES,
  lengthAt,
  MAC_BYTES,
  PAYLOAD_LIMIT,
  VERSION
} from "#schemas/session/Frame"

export type Refusal = "malformed frame" | "oversize frame"

const FIRST_BUFFER = 1024

/** The size of the whole frame whose header stands at `at`, or why there will be none. */
const frameSize = (bytes: Uint8Array, at: number): number | Refusal => {
  const type = bytes[at + 1]
  if (bytes[at] !== VERSION || (type !== FrameType.HANDSHAKE && type !== FrameType.BATCH)) return "malformed frame"
  const length = lengthAt(bytes, at)
  if (length > (type === FrameType.HANDSHAKE ? HANDSHAKE_LIMIT : PAYLOAD_LIMIT)) return "oversize frame"
  return HEADER_BYTES + length + (((bytes[at + 3] ?? 0) & Flag.SEALED) !== 0 ? MAC_BYTES : 0)
}

export class FrameSplitter {
  /** The beginning of a frame, `#held` bytes of it; `#size` is known once the header is whole. */
  #buffer: Uint8Array | undefined
  #held = 0
  #size = 0

  /**
   * Appends the frames that `chunk` completes to `frames`. They are views of `chunk` where they can be. After a
   * refusal the stream is lost: nothing behind it can be understood.
   */
  push(chunk: Uint8Array, frames: Array<Uint8Array>): Refusal | undefined {
    let at = 0
    if (this.#held > 0) {
      at = this.#resume(chunk, frames)
      if (at < 0) return at === MALFORMED ? "malformed frame" : "oversize frame"
    }
    while (chunk.length - at >= HEADER_BYTES) {
      const size = frameSize(chunk, at)
      if (typeof size === "string") return size
      if (chunk.length - at < size) {
        this.#keep(chunk, at, size)
        return undefined
      }
      frames.push(size === chunk.length ? chunk : chunk.subarray(at, at + size))
      at += size
    }
    if (at < chunk.length) {
      // The version and type of a half header are judged at once, too: garbage need not be waited for.
      if (chunk[at] !== VERSION) return "malformed frame"
      this.#keep(chunk, at, 0)
    }
    return undefined
  }

  /** Bytes waiting for the rest of their frame. */
  get held(): number {
    return this.#held
  }

  /** Goes on with the frame that was begun; answers where in `chunk` the next one starts, or a refusal below zero. */
  #resume(chunk: Uint8Array, frames: Array<Uint8Array>): number {
    let at = 0
    if (this.#size === 0) {
      at = Math.min(HEADER_BYTES - this.#held, chunk.length)
      this.#append(chunk.subarray(0, at), HEADER_BYTES)
      if (this.#held < HEADER_BYTES) return at
      const size = frameSize(this.#buffer ?? chunk, 0)
      if (typeof size === "string") return size === "malformed frame" ? MALFORMED : OVERSIZE
      this.#size = size
    }
    const end = Math.min(at + this.#size - this.#held, chunk.length)
    this.#append(chunk.subarray(at, end), this.#size)
    if (this.#held === this.#size && this.#buffer !== undefined) {
      frames.push(this.#buffer.length === this.#size ? this.#buffer : this.#buffer.subarray(0, this.#size))
      this.#buffer = undefined
      this.#held = 0
      this.#size = 0
    }
    return end
  }

  #keep(chunk: Uint8Array, at: number, size: number): void {
    this.#size = size
    this.#append(chunk.subarray(at), size === 0 ? HEADER_BYTES : size)
  }

  /** `limit` is the most that this frame can still need. */
  #append(piece: Uint8Array, limit: number): void {
    const needed = this.#held + piece.length
    if (this.#buffer === undefined || this.#buffer.length < needed) {
      const grown = new Uint8Array(Math.max(needed, Math.min(limit, Math.max(FIRST_BUFFER, 4 * needed))))
      if (this.#buffer !== undefined) grown.set(this.#buffer.subarray(0, this.#held))
      this.#buffer = grown
    }
    this.#buffer.set(piece, this.#held)
    this.#held = needed
  }
}

const MALFORMED = -1
const OVERSIZE = -2
