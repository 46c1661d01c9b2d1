/**
 * The chain of audit lines: the trail id of a line is a hash over the one before and its own fields, and the node signs
 * where its log begins and ends, so that a line that was changed, moved, added or removed is found, the last one too.
 *
 *   trail id   SHA-256(trail id of the line before 32 ‖ CBOR([number, time, node, operation, address, role, content type,
 *              size, outcome, reason])); before the first line stand 32 zero bytes
 *   head       [1, number of the first line, trail id before it 32, number of the last, its trail id 32, sig 64], label
 *              audit; of an empty log the last is one below the first, and both ids are the same
 *
 * Whoever puts a whole folder back as it was yesterday, or takes the log away with its head while the node does not run, is
 * not found: that takes a witness elsewhere.
 */
import { Result } from "effect"
import type { Signer } from "#core/dht/signRecord"
import type { Suite } from "#core/identity/Suite"
import { signArray, verifyRecord } from "#core/identity/signature"
import { concatBytes, equalBytes } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { clipText, isBytesOf, isUint } from "#schemas/bytes/fields"
import { ADDRESS_LIMIT } from "#schemas/ucxl/Address"
import { CONTENT_TYPE_LIMIT } from "#schemas/ucxl/Metadata"

const LABEL = "audit"
const VERSION = 1
const SIGNATURE_INDEX = 5

/** Stands before the first line of a log. */
export const NO_ID = new Uint8Array(32)

/** Bytes of a role's name and of a reason; what is longer is cut. */
export const ROLE_TEXT_LIMIT = 64
export const REASON_LIMIT = 256

/** What is known of an act when it is written down. */
export interface AuditAct {
  readonly operation: string
  readonly address: string
  readonly role: string
  readonly contentType: string
  readonly size: number
  readonly outcome: string
  readonly reason: string
}

export interface AuditFields extends AuditAct {
  readonly number: number
  /** Unix milliseconds. */
  readonly time: number
  readonly node: string
}

/** A line as it is stored: what cannot be read has no fields. */
export interface AuditLine {
  readonly number: number
  readonly fields: AuditFields | undefined
  readonly trailId: Uint8Array
}

export interface AuditHead {
  readonly first: number
  /** Trail id of the line before the first. */
  readonly before: Uint8Array
  readonly last: number
  readonly lastId: Uint8Array
}

export const emptyHead = (first: number): AuditHead => ({ first, before: NO_ID, last: first - 1, lastId: NO_ID })

export const fieldValues = (fields: AuditFields): ReadonlyArray<CborValue> => [
  fields.number,
  fields.time,
  fields.node,
  fields.operation,
  fields.address,
  fields.role,
  fields.contentType,
  fields.size,
  fields.outcome,
  fields.reason
]

export const trailIdOf = (suite: Suite, before: Uint8Array, fields: AuditFields): Uint8Array =>
  suite.sha256(concatBytes([before, encode(fieldValues(fields))]))

/** Half of a surrogate pair would be another letter when it comes back. */
const bounded = (text: string, max: number): string => clipText(text.slice(0, max).toWellFormed(), max)

/** The line that follows upon a head, its texts cut to their limits, and the head with it. */
export const nextLine = (
  suite: Suite,
  head: AuditHead,
  at: { readonly node: string; readonly time: number },
  act: AuditAct
): { readonly fields: AuditFields; readonly head: AuditHead } => {
  const fields: AuditFields = {
    number: head.last + 1,
    time: at.time,
    node: at.node,
    operation: act.operation,
    address: bounded(act.address, ADDRESS_LIMIT),
    role: bounded(act.role, ROLE_TEXT_LIMIT),
    contentType: bounded(act.contentType, CONTENT_TYPE_LIMIT),
    size: Math.max(0, act.size),
    outcome: act.outcome,
    reason: bounded(act.reason, REASON_LIMIT)
  }
  return { fields, head: { ...head, last: fields.number, lastId: trailIdOf(suite, head.lastId, fields) } }
}

const unsignedHead = ({ before, first, last, lastId }: AuditHead): Array<CborValue> => [
  VERSION,
  first,
  before,
  last,
  lastId
]

export const signHead = ({ networkId, signing }: Signer, head: AuditHead): Uint8Array => {
  const fields = unsignedHead(head)
  return encode([...fields, signArray(signing, LABEL, networkId, encode(fields))])
}

/** The head, or what is wrong with it. */
export const readHead = (
  suite: Suite,
  { networkId, signing }: Signer,
  record: Uint8Array
): Result.Result<AuditHead, string> => {
  const decoded = decodeArray(record)
  if (Result.isFailure(decoded)) return Result.fail("the signed head cannot be read")
  const [version, first, before, last, lastId] = decoded.success
  if (version !== VERSION || !isUint(first) || !isBytesOf(before, 32) || !isUint(last) || !isBytesOf(lastId, 32))
    return Result.fail("the signed head cannot be read")
  if (!verifyRecord(suite, LABEL, networkId, signing.publicKey, record, SIGNATURE_INDEX))
    return Result.fail("the head is not signed by this node")
  return Result.succeed({ first, before: before.slice(), last, lastId: lastId.slice() })
}

/** The first line at which something is wrong, and what. */
export interface AuditFault {
  readonly number: number
  readonly reason: string
}

/** Goes along a log in ascending order, from its first line to the last that the head names. */
export class ChainCheck {
  readonly #suite: Suite
  readonly #head: AuditHead
  #next: number
  #before: Uint8Array

  constructor(suite: Suite, head: AuditHead) {
    this.#suite = suite
    this.#head = head
    this.#next = head.first
    this.#before = head.before
  }

  /** Lines that were found right. */
  get lines(): number {
    return this.#next - this.#head.first
  }

  /** Whether all that the head names has been seen. */
  get isThrough(): boolean {
    return this.#next > this.#head.last
  }

  take({ fields, number, trailId }: AuditLine): AuditFault | undefined {
    if (Number.isNaN(number)) return { number: this.#next, reason: "has a number that is none" }
    if (number < this.#next)
      return { number, reason: this.lines === 0 ? "stands before the beginning of the log" : "stands there twice" }
    if (this.isThrough) return { number, reason: "was added behind the end that is signed" }
    if (number > this.#next) return { number: this.#next, reason: "is missing" }
    if (fields === undefined) return { number, reason: "cannot be read" }
    const right = fields.number === number && equalBytes(trailIdOf(this.#suite, this.#before, fields), trailId)
    if (!right) return { number, reason: "is not what was written there, or what stood before it was another" }
    this.#next += 1
    this.#before = trailId
    return undefined
  }

  end(): AuditFault | undefined {
    if (!this.isThrough) return { number: this.#next, reason: "is missing" }
    if (equalBytes(this.#before, this.#head.lastId)) return undefined
    return { number: this.#head.last, reason: "is not the one that is signed as the last" }
  }
}
