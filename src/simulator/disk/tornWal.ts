/**
 * What a power cut in the middle of a commit leaves of SQLite's write-ahead log: a last frame whose header is there
 * and whose page is not, or only in part (https://sqlite.org/fileformat2.html#the_write_ahead_log).
 *   header  32 bytes  8: page size, 16: two salts
 *   frame   24 bytes  0: page number, 4: pages of the database after this commit, 8: the salts, 16: checksum; the page
 */
import type { Dice } from "../Dice.ts"

const HEADER = 32
const FRAME_HEADER = 24
const SALTS = 16

const noise = (length: number, dice: Dice): Uint8Array => Uint8Array.from({ length }, () => dice.int(256))

/** Where the frames of this log end: what follows bears the salts of an older one. */
const endOf = (wal: DataView, frame: number): number => {
  let at = HEADER
  while (
    at + frame <= wal.byteLength &&
    wal.getUint32(at + 8) === wal.getUint32(SALTS) &&
    wal.getUint32(at + 12) === wal.getUint32(SALTS + 4)
  )
    at += frame
  return at
}

/** The log with a commit in it that was not written to its end. */
export const tornWal = (wal: Uint8Array, dice: Dice): Uint8Array => {
  if (wal.length < HEADER) return noise(dice.int(HEADER), dice)
  const view = new DataView(wal.buffer, wal.byteOffset, wal.length)
  const pageSize = view.getUint32(8)
  const end = endOf(view, FRAME_HEADER + pageSize)
  const torn = noise(FRAME_HEADER + dice.int(pageSize), dice)
  const frame = new DataView(torn.buffer)
  frame.setUint32(0, 1)
  frame.setUint32(4, 1)
  torn.set(wal.subarray(SALTS, SALTS + 8), 8)
  const whole = new Uint8Array(Math.max(wal.length, end + torn.length))
  whole.set(wal)
  whole.set(torn, end)
  return whole
}
