/**
 * The row of frames inside a BATCH (WIRE.md §2): what one tick produced for a peer, sealed once and written once.
 *
 * Each inner frame is a header and a payload, flags 0, no mac, never BATCH or HANDSHAKE.
 */
import { allocate } from "#schemas/bytes/bytes"
import { FrameType, HEADER_BYTES, lengthAt, PAYLOAD_LIMIT, VERSION, writeHeader } from "#schemas/session/Frame"

/** Payloads up to here are copied into the row; longer ones are parts of their own: sealing reads them where they lie. */
export const COPY_LIMIT = 4096

/** Frames waiting to be sent, in order. Who fills it limits it. */
export class FrameQueue {
  #types: Array<FrameType> = []
  #payloads: Array<Uint8Array> = []
  #head = 0
  /** Bytes waiting, headers included. */
  bytes = 0

  get length(): number {
    return this.#types.length - this.#head
  }

  push(type: FrameType, payload: Uint8Array): void {
    this.#types.push(type)
    this.#payloads.push(payload)
    this.bytes += HEADER_BYTES + payload.length
  }

  clear(): void {
    this.#types = []
    this.#payloads = []
    this.#head = 0
    this.bytes = 0
  }

  /** The parts of the next row: as many frames as fit. None when nothing waits. */
  takeRow(): Array<Uint8Array> {
    const first = this.#head
    let [end, size, copied] = [first, 0, 0]
    for (; end < this.#types.length; end++) {
      const length = this.#payloads[end]?.length ?? 0
      if (size + HEADER_BYTES + length > PAYLOAD_LIMIT) break
      size += HEADER_BYTES + length
      copied += HEADER_BYTES + (length <= COPY_LIMIT ? length : 0)
    }
    const parts = this.#gather(first, end, allocate(copied))
    this.bytes -= size
    if (end === this.#types.length) {
      // Emptied in place: a busy session comes by here every tick. After a burst the room is given back.
      if (end > 1024) this.clear()
      this.#types.length = 0
      this.#payloads.length = 0
      this.#head = 0
    } else {
      this.#head = end
      if (end > 1024) {
        this.#types.splice(0, end)
        this.#payloads.splice(0, end)
        this.#head = 0
      }
    }
    return parts
  }

  #gather(first: number, end: number, row: Uint8Array): Array<Uint8Array> {
    const parts: Array<Uint8Array> = []
    let [from, at] = [0, 0]
    for (let index = first; index < end; index++) {
      const [type, payload] = [this.#types[index], this.#payloads[index]]
      if (type === undefined || payload === undefined) break
      writeHeader(row, at, type, 0, payload.length)
      at += HEADER_BYTES
      if (payload.length <= COPY_LIMIT) {
        row.set(payload, at)
        at += payload.length
      } else {
        parts.push(row.subarray(from, at), payload)
        from = at
      }
    }
    if (at > from) parts.push(from === 0 ? row : row.subarray(from))
    return parts
  }
}

/**
 * Hands each frame of an opened row to `handle`, with its type as it stands there: unknown ones are the handler's to
 * skip. False when the row is malformed; the frames before the fault were handed out, the rest is dropped. `handle`
 * answers false to stop reading, which is no fault.
 */
export const readRow = (row: Uint8Array, handle: (type: number, payload: Uint8Array) => boolean): boolean => {
  for (let at = 0; at < row.length; ) {
    if (row.length - at < HEADER_BYTES || row[at] !== VERSION) return false
    const type = row[at + 1] ?? 0
    if (type === FrameType.BATCH || type === FrameType.HANDSHAKE) return false
    const end = at + HEADER_BYTES + lengthAt(row, at)
    if (end > row.length) return false
    if (!handle(type, row.subarray(at + HEADER_BYTES, end))) return true
    at = end
  }
  return true
}
