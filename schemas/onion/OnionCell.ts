/**
 * The cell, the payload of an ONION frame (WIRE §4). On every link it has the same size, one of three.
 *
 *   cell   stack 700 ‖ body        4,096 · 36,864 · 65,408 bytes in all (class 0, 1, 2)
 *   stack  5 slots of 140          the first is this hop's, the rest are masked
 *   slot   ephemeral_pubkey 32 ‖ header_nonce 12 ‖ sealed OnionHeader 80 ‖ tag 16
 */
import { Result, Schema } from "effect"
import { bytesOf, concatBytes } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"
import { HEADER_BYTES } from "./OnionHeader.ts"

/** One hop each: at most four relays and the recipient. */
export const SLOTS = 5
export const EPHEMERAL_BYTES = 32
export const HEADER_NONCE_BYTES = 12
/** Of the header, of a request's body and of a reply's. */
export const TAG_BYTES = 16
/** Where the sealed header stands in its slot. */
export const SEALED_HEADER_AT = EPHEMERAL_BYTES + HEADER_NONCE_BYTES
export const SLOT_BYTES = SEALED_HEADER_AT + HEADER_BYTES + TAG_BYTES
export const STACK_BYTES = SLOTS * SLOT_BYTES

/** By class. The largest fits one frame (65,511). */
export const CELL_BYTES = [4_096, 36_864, 65_408] as const
export const BODY_BYTES = [
  CELL_BYTES[0] - STACK_BYTES,
  CELL_BYTES[1] - STACK_BYTES,
  CELL_BYTES[2] - STACK_BYTES
] as const

export const CellClass = Schema.Literals([0, 1, 2])
export type CellClass = typeof CellClass.Type

export class OnionCell extends Schema.Class<OnionCell>("allium/onion/OnionCell")({
  stack: bytesOf(STACK_BYTES),
  body: Schema.Union([bytesOf(BODY_BYTES[0]), bytesOf(BODY_BYTES[1]), bytesOf(BODY_BYTES[2])])
}) {}

/** The fields without the class, as the hot path has them. */
export type OnionCellFields = Pick<OnionCell, keyof typeof OnionCell.fields>

/** The class of a cell of so many bytes; undefined if there is none. */
export const classOf = (length: number): CellClass | undefined => {
  if (length === CELL_BYTES[0]) return 0
  if (length === CELL_BYTES[1]) return 1
  return length === CELL_BYTES[2] ? 2 : undefined
}

export const stackOf = (cell: Uint8Array): Uint8Array => cell.subarray(0, STACK_BYTES)

export const bodyOf = (cell: Uint8Array): Uint8Array => cell.subarray(STACK_BYTES)

/** The parts, as views of `bytes`; or the word of refusal. */
export const readCell = (bytes: Uint8Array): Result.Result<OnionCellFields, string> =>
  classOf(bytes.length) === undefined
    ? Result.fail("not the size of a cell")
    : Result.succeed({ stack: stackOf(bytes), body: bodyOf(bytes) })

export const writeCell = ({ body, stack }: OnionCellFields): Uint8Array => concatBytes([stack, body])

export const OnionCellFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(OnionCell, transformation(readCell, writeCell))
)
