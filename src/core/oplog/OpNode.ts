/**
 * An operation as the log sees it: the outer fields of its record, and never what is inside (WIRE §6, kind 5). Its id is
 * the SHA-256 of the record, so a graph of parents can have no cycle.
 */
import { Result } from "effect"
import type { Suite } from "#core/identity/Suite"
import { compareBytes, keyOf } from "#schemas/bytes/bytes"
import * as Op from "#schemas/dht/Op"
import type { PublicKey } from "#schemas/identity/PublicKey"

export interface OpNode {
  /** SHA-256 of the record, and the same as a key of maps. */
  readonly id: Uint8Array
  readonly key: string
  readonly author: PublicKey
  readonly authorKey: string
  readonly seq: number
  readonly lamport: number
  /** Keys of ids. */
  readonly parents: ReadonlyArray<string>
  /** The record. */
  readonly bytes: Uint8Array
}

/** What a graph needs to know of an operation. */
export type OpLinks = Pick<OpNode, "key" | "authorKey" | "seq" | "lamport" | "parents">

/**
 * What is wrong with the outer fields of an operation, whatever else is known. Parents stand in ascending order, so that
 * none stands twice; who has none is at the beginning of everything.
 */
export const shapeRefusal = ({
  lamport,
  parents,
  seq
}: Pick<Op.OpFields, "lamport" | "parents" | "seq">): string | undefined => {
  if (lamport < seq) return "lamport below seq"
  if ((parents.length === 0) !== (lamport === 1)) return "lamport 1 is for the first of all, which has no parents"
  for (let at = 1; at < parents.length; at++) {
    if (compareBytes(parents[at - 1]!, parents[at]!) >= 0) return "parents out of order"
  }
  return undefined
}

/** Of fields that were read from `bytes`. */
export const nodeOf = (suite: Suite, fields: Op.OpFields, bytes: Uint8Array): OpNode => {
  const id = suite.sha256(bytes)
  const { author, lamport, parents, seq } = fields
  return { id, key: keyOf(id), author, authorKey: keyOf(author), seq, lamport, parents: parents.map(keyOf), bytes }
}

/** The bytes are kept. Verifies no signature. */
export const readNode = (suite: Suite, bytes: Uint8Array): Result.Result<OpNode, string> =>
  Result.flatMap(Op.read(bytes), (fields) => {
    const refusal = shapeRefusal(fields)
    return refusal === undefined ? Result.succeed(nodeOf(suite, fields, bytes)) : Result.fail(refusal)
  })
