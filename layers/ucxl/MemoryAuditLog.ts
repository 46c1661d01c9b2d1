/** The audit log of tests, the simulator and nodes without a disk: it lasts as long as the layer. */
import { Clock, Effect, Layer, PubSub, Stream } from "effect"
import type { Suite } from "#core/identity/Suite"
import { type AuditAct, type AuditHead, type AuditLine, ChainCheck, emptyHead, nextLine } from "#core/ucxl/auditChain"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { type AuditEntry, AuditLog, type AuditVerdict } from "#services/ucxl/AuditLog"
import { AUDIT_ARCHIVES, AUDIT_BYTES } from "#services/ucxl/Limits"
import { entryOf, sizeOf, toEntry } from "./auditRows.ts"
import { type AuditLogOptions, CHANGES } from "./SqliteAuditLog.ts"

interface Held extends AuditLine {
  readonly bytes: number
}

/** What an AuditLog holds, as plain functions. */
class Lines {
  readonly #suite: Suite
  readonly #limits: Required<AuditLogOptions>
  readonly #archives: Array<ReadonlyArray<Held>> = []
  #lines: Array<Held> = []
  #bytes = 0
  #head: AuditHead = emptyHead(1)

  constructor(suite: Suite, limits: Required<AuditLogOptions>) {
    this.#suite = suite
    this.#limits = limits
  }

  append(at: { readonly node: string; readonly time: number }, act: AuditAct): AuditEntry {
    const { fields, head } = nextLine(this.#suite, this.#head, at, act)
    const bytes = sizeOf(fields)
    this.#head = head
    this.#lines.push({ number: fields.number, fields, trailId: head.lastId, bytes })
    this.#bytes += bytes
    if (this.#bytes > this.#limits.bytes) this.#rotate()
    return toEntry(fields, head.lastId)
  }

  list(after: number, limit: number): ReadonlyArray<AuditEntry> {
    const lines = this.#all().filter(({ number }) => number > after)
    return lines.slice(0, limit).flatMap((line) => entryOf(line) ?? [])
  }

  latest(limit: number): ReadonlyArray<AuditEntry> {
    return this.list(this.#head.last - limit, limit)
  }

  verify(): AuditVerdict {
    const check = new ChainCheck(this.#suite, this.#head)
    let fault = undefined as ReturnType<ChainCheck["take"]>
    for (const line of this.#all()) fault ??= check.take(line)
    fault ??= check.end()
    const { first, last } = this.#head
    const reason = fault === undefined ? "" : `line ${fault.number} ${fault.reason}`
    return { sound: fault === undefined, lines: check.lines, first, last, brokenAt: fault?.number ?? null, reason }
  }

  #all(): ReadonlyArray<Held> {
    return [...this.#archives.flat(), ...this.#lines]
  }

  #rotate(): void {
    const older = this.#lines.slice(0, Math.ceil(this.#lines.length / 2))
    this.#lines = this.#lines.slice(older.length)
    this.#bytes = this.#lines.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#archives.push(older)
    while (this.#archives.length > this.#limits.archives) {
      const last = this.#archives.shift()?.at(-1)
      if (last !== undefined) this.#head = { ...this.#head, first: last.number + 1, before: last.trailId }
    }
  }
}

export const make = Effect.fnUntraced(function* (options: AuditLogOptions = {}) {
  const [identity, suite, clock] = [yield* Identity, yield* Crypto, yield* Clock.Clock]
  const changes = yield* Effect.acquireRelease(PubSub.sliding<AuditEntry>(CHANGES), PubSub.shutdown)
  const lines = new Lines(suite, {
    bytes: options.bytes ?? AUDIT_BYTES,
    archives: options.archives ?? AUDIT_ARCHIVES
  })
  return AuditLog.of({
    append: (event) =>
      Effect.sync(() => {
        const entry = lines.append({ node: identity.did, time: clock.currentTimeMillisUnsafe() }, event)
        PubSub.publishUnsafe(changes, entry)
        return entry
      }),
    list: (after, limit) => Effect.sync(() => lines.list(after, limit)),
    latest: (limit) => Effect.sync(() => lines.latest(limit)),
    changes: Stream.fromPubSub(changes),
    verify: Effect.sync(() => lines.verify())
  })
})

export const layer = (options?: AuditLogOptions): Layer.Layer<AuditLog, never, Identity | Crypto> =>
  Layer.effect(AuditLog, make(options))
