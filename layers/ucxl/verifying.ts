/** Whether the audit log, as it stands in the database, is the one that this node has signed: line by line, from its first. */
import { Effect } from "effect"
import type { Suite } from "#core/identity/Suite"
import { type AuditFault, type AuditHead, type AuditLine, ChainCheck } from "#core/ucxl/auditChain"
import { equalBytes } from "#schemas/bytes/bytes"
import type { AuditVerdict } from "#services/ucxl/AuditLog"
import type { Query } from "../storage/query.ts"
import * as rows from "./auditRows.ts"

/** What the log should be. */
export interface Signed {
  readonly head: AuditHead
  /** The head as it was signed last; undefined before the first line of this log. */
  readonly record: Uint8Array | undefined
  /** Why the log that was found is not continued; empty where it is. */
  readonly unsound: string
}

/** What is wrong, and the first line at which it is, if it is a line. */
interface Broken {
  readonly at: number | null
  readonly reason: string
}

/** `now` answers what the log should be by now: it may grow while it is read. */
export const verifyLog = Effect.fnUntraced(function* (query: Query, suite: Suite, now: () => Signed) {
  const found = yield* rows.headOf(query)
  const { head, record, unsound } = now()
  const check = new ChainCheck(suite, head)
  const verdict = (broken: Broken | undefined): AuditVerdict => ({
    ...{ sound: broken === undefined, lines: check.lines, first: head.first, last: head.last },
    ...{ brokenAt: broken?.at ?? null, reason: broken?.reason ?? "" }
  })
  if (unsound !== "") return verdict({ at: null, reason: unsound })
  if (!isSame(found, record)) return verdict({ at: null, reason: "the signed head was exchanged or removed" })
  const fault = yield* checkLines(query, check)
  if (fault !== undefined) return verdict(failedAt(fault))
  const [added] = yield* rows.linesAfter(query, now().head.last, 1)
  if (added === undefined) return verdict(undefined)
  const number = Number.isNaN(added.number) ? now().head.last + 1 : added.number
  return verdict(failedAt({ number, reason: "was added behind the end that is signed" }))
})

const failedAt = ({ number, reason }: AuditFault): Broken => ({ at: number, reason: `line ${number} ${reason}` })

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : equalBytes(a, b)

/** Lines as they are met: those in archives first, then the others. */
const checkLines = Effect.fnUntraced(function* (query: Query, check: ChainCheck) {
  for (const archive of yield* rows.archivesAfter(query, rows.LOWEST)) {
    const fault = firstFault(check, yield* rows.archiveOf(query, archive))
    if (fault !== undefined) return fault
  }
  for (let last = rows.LOWEST; !check.isThrough; ) {
    const page = yield* rows.linesAfter(query, last, rows.PAGE)
    const fault = firstFault(check, page)
    if (fault !== undefined) return fault
    if (page.length < rows.PAGE) break
    last = page.at(-1)?.number ?? Number.NaN
  }
  return check.end()
})

/** Whatever comes behind the end was written since the head was read. */
const firstFault = (check: ChainCheck, lines: ReadonlyArray<AuditLine>): AuditFault | undefined => {
  for (const line of lines) {
    if (check.isThrough) return undefined
    const fault = check.take(line)
    if (fault !== undefined) return fault
  }
  return undefined
}
