/**
 * What one log has and another has not, told by the last operation of each author: rows have no gaps, so a range of each
 * author's is enough to name a hundred thousand missing operations in one message.
 */
import { keyOf } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"

/** One author's part of a log. */
export interface AuthorExtent {
  readonly author: PublicKey
  /** The lowest that can be had as a record; one above `seq` where all is in a snapshot. */
  readonly first: number
  readonly seq: number
}

/** Both ends included. */
export interface OpRange {
  readonly author: PublicKey
  readonly from: number
  readonly to: number
}

/** How far this log has come with an author, and where it can go no further. */
export interface Progress {
  readonly seqOf: (authorKey: string) => number
  readonly haltedAt: (authorKey: string) => number | undefined
}

export interface Missing {
  readonly ranges: ReadonlyArray<OpRange>
  /** Something that is missing can be had from there only as a part of a snapshot. */
  readonly inSnapshot: boolean
}

/** What `theirs` has and we have not. */
export const missingFrom = (theirs: ReadonlyArray<AuthorExtent>, ours: Progress): Missing => {
  const ranges: Array<OpRange> = []
  let inSnapshot = false
  for (const { author, first, seq } of theirs) {
    const key = keyOf(author)
    const from = ours.seqOf(key) + 1
    if (from > seq || (ours.haltedAt(key) ?? Number.POSITIVE_INFINITY) <= from) continue
    if (first > from) inSnapshot = true
    else ranges.push({ author, from, to: seq })
  }
  return { ranges, inSnapshot }
}
