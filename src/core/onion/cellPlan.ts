/**
 * Which cells carry an envelope, and how many reply blocks go with it: one cell of the smallest class that holds it and
 * blocks for its answer, which comes in cells of the same class; else several of the largest.
 */
import { CellClass } from "#schemas/onion/OnionCell"
import { BLOCKS_LIMIT, PARTS_LIMIT, replyRoom, requestRoom } from "#schemas/onion/OnionPayload"
import { divide } from "./divide.ts"

export interface CellPlan {
  readonly cellClass: CellClass
  /** One a cell, in order. */
  readonly pieces: ReadonlyArray<Uint8Array>
  /** Reply blocks of each cell. */
  readonly blocks: ReadonlyArray<number>
}

const LARGEST = 2

/** Bytes of the largest envelope that can be sent with a reply block for its ACK. */
export const ENVELOPE_LIMIT = PARTS_LIMIT * requestRoom(LARGEST, 1)

/** Bytes of the largest answer: that of eight reply blocks. */
export const ANSWER_LIMIT = BLOCKS_LIMIT * replyRoom(LARGEST)

/** Undefined for an envelope that is too large. At least one block goes along, for the ACK. */
export const planCells = (envelope: Uint8Array, answerBytes: number): CellPlan | undefined => {
  for (const cellClass of CellClass.literals) {
    const blocks = blocksFor(answerBytes, cellClass)
    if (blocks <= BLOCKS_LIMIT && requestRoom(cellClass, blocks) >= envelope.length) {
      return { cellClass, pieces: [envelope], blocks: [blocks] }
    }
  }
  const blocks = Math.min(blocksFor(answerBytes, LARGEST), BLOCKS_LIMIT)
  for (let parts = 2; parts <= PARTS_LIMIT; parts++) {
    const room = requestRoom(LARGEST, Math.ceil(blocks / parts))
    if (parts * room < envelope.length) continue
    // Of equal length, so that all of them have room for as many blocks.
    const pieces = divide(envelope, Math.ceil(envelope.length / parts)) ?? []
    return { cellClass: LARGEST, pieces, blocks: spread(blocks, pieces.length) }
  }
  return undefined
}

const blocksFor = (answerBytes: number, cellClass: CellClass): number =>
  Math.max(1, Math.ceil(answerBytes / replyRoom(cellClass)))

/** The first ones get one more where it does not come out even. */
const spread = (blocks: number, parts: number): ReadonlyArray<number> =>
  Array.from({ length: parts }, (_, part) => Math.ceil((blocks - part) / parts))
