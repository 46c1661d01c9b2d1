/**
 * Older lines of audit as one row of bytes: each line's CBOR behind its length, so that one that was damaged can be named
 * although it cannot be read.
 *
 *   (u32 length ‖ CBOR [number, time, node, operation, address, role, content type, size, outcome, reason, trail id 32])*
 */
import { Result } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf } from "#schemas/bytes/fields"
import { type AuditFields, type AuditLine, fieldValues, NO_ID } from "./auditChain.ts"

const LENGTH_BYTES = 4

/** Fields of the kinds that they must have; what they say is judged by the chain. */
export const fieldsOf = (values: ReadonlyArray<unknown>): AuditFields | undefined => {
  const [number, time, node, operation, address, role, contentType, size, outcome, reason] = values
  const isWhole = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value)
  const isText = (value: unknown): value is string => typeof value === "string"
  if (!isWhole(number) || !isWhole(time) || !isWhole(size)) return undefined
  if (!isText(node) || !isText(operation) || !isText(address) || !isText(role)) return undefined
  if (!isText(contentType) || !isText(outcome) || !isText(reason)) return undefined
  return { number, time, node, operation, address, role, contentType, size, outcome, reason }
}

/** A line without fields stays one: what could not be read before cannot be read in the archive either. */
export const writeArchive = (lines: ReadonlyArray<AuditLine>): Uint8Array =>
  concatBytes(
    lines.flatMap(({ fields, number, trailId }) => {
      const values: ReadonlyArray<CborValue> = fields === undefined ? [number] : [...fieldValues(fields), trailId]
      const line = encode(values)
      const length = new Uint8Array(LENGTH_BYTES)
      new DataView(length.buffer).setUint32(0, line.length)
      return [length, line]
    })
  )

/** Whatever a line says of itself, it stands behind the one before it: damage is named where it is. */
const readLine = (bytes: Uint8Array, expected: number): AuditLine => {
  const decoded = decodeArray(bytes)
  const values = Result.getOrElse(decoded, (): ReadonlyArray<CborValue> => [])
  const [number, trailId] = [values[0], values[10]]
  const at = typeof number === "number" ? Math.max(number, expected) : expected
  if (!isBytesOf(trailId, 32) || values.length !== 11) return { number: at, fields: undefined, trailId: NO_ID }
  return { number: at, fields: fieldsOf(values), trailId: trailId.slice() }
}

/** Its lines, the first of which should have the number `first`. */
export const readArchive = (bytes: Uint8Array, first: number): ReadonlyArray<AuditLine> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const lines: Array<AuditLine> = []
  for (let at = 0; at < bytes.length; ) {
    const expected = (lines.at(-1)?.number ?? first - 1) + 1
    const start = at + LENGTH_BYTES
    const end = start <= bytes.length ? start + view.getUint32(at) : Number.POSITIVE_INFINITY
    if (end > bytes.length) return [...lines, { number: expected, fields: undefined, trailId: NO_ID }]
    lines.push(readLine(bytes.subarray(start, end), expected))
    at = end
  }
  return lines
}
