/**
 * One transaction of a shared document: operations, and what the record around them says in clear (WIRE §6, kind 5). The
 * parents of the record make a graph for those who deliver; the document asks only that what a batch names is there.
 */
import { Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import { Count, RECORD_LIMIT } from "#schemas/dht/Record"
import { PublicKey } from "#schemas/identity/PublicKey"

/** For the outer fields: with sixteen parents and the longest genesis and grants they take less. */
const OUTER = 2304

/** Bytes of operations in one batch. */
export const BATCH_LIMIT = RECORD_LIMIT - OUTER

export class OpBatch extends Schema.Class<OpBatch>("allium/crdt/OpBatch")({
  author: PublicKey,
  /** The author's last + 1, from 1. */
  seq: Count,
  /** 1 + the largest of the parents'. */
  lamport: Count,
  operations: bytesUpTo(BATCH_LIMIT)
}) {}

/** The fields without the class, as the hot path has them. */
export type OpBatchFields = Pick<OpBatch, keyof typeof OpBatch.fields>
