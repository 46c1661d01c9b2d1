import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteAuditLog from "#layers/ucxl/SqliteAuditLog"
import { AuditLog } from "#services/ucxl/AuditLog"
import { type AuditOptions, auditLogLaws } from "../../laws/auditLog.ts"
import { auditor, event } from "../../laws/auditor.ts"
import { runThenKill } from "../storage/killing.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-audit-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const logIn = (folder: string, options?: AuditOptions) =>
  SqliteAuditLog.layer(options).pipe(Layer.provideMerge(SqliteDatabase.layer({ folder, synchronous: "normal" })))

auditLogLaws("SqliteAuditLog", (options) =>
  Layer.unwrap(Effect.map(temporaryFolder, (folder) => logIn(folder, options)))
)

const using = <A, E>(
  folder: string,
  body: (log: AuditLog["Service"], sql: SqlClient) => Effect.Effect<A, E>,
  options?: AuditOptions
) =>
  Effect.gen(function* () {
    return yield* body(yield* AuditLog, yield* SqlClient)
  }).pipe(Effect.provide(logIn(folder, options).pipe(Layer.provideMerge(auditor)), { local: true }))

const append = Effect.fnUntraced(function* (log: AuditLog["Service"], count: number) {
  for (let size = 0; size < count; size++) yield* log.append(event({ size, reason: `line ${size}` }))
})

/** In a database of lines 1 to 40, of which the first 32 or so are in archives: what is done, and what must be found. */
const ATTACKS: ReadonlyArray<readonly [what: string, statement: string, at: number | null | "first", reason: RegExp]> =
  [
    ["a changed field", "UPDATE ucxl_audit SET outcome = 'done', reason = '' WHERE number = 38", 38, /is not what/],
    ["a changed time", "UPDATE ucxl_audit SET time = time + 1 WHERE number = 38", 38, /is not what/],
    ["a changed id", "UPDATE ucxl_audit SET trail_id = zeroblob(32) WHERE number = 38", 38, /is not what/],
    ["a field of another kind", "UPDATE ucxl_audit SET size = 1.5 WHERE number = 38", 38, /cannot be read/],
    ["a number beyond all bounds", "UPDATE ucxl_audit SET size = 1 << 62 WHERE number = 38", 38, /cannot be read/],
    ["a removed line", "DELETE FROM ucxl_audit WHERE number = 38", 38, /is missing/],
    ["removed last lines", "DELETE FROM ucxl_audit WHERE number >= 39", 39, /is missing/],
    [
      "exchanged lines",
      "UPDATE ucxl_audit SET number = CASE number WHEN 37 THEN -38 WHEN 38 THEN -37 ELSE number END; UPDATE ucxl_audit SET number = -number WHERE number < 0",
      37,
      /is not what/
    ],
    [
      "a line added at the end",
      "INSERT INTO ucxl_audit SELECT 41, time, node, operation, address, role, content_type, size, outcome, reason, trail_id FROM ucxl_audit WHERE number = 40",
      41,
      /was added/
    ],
    [
      "a line added before the beginning",
      "INSERT INTO ucxl_audit SELECT -3, time, node, operation, address, role, content_type, size, outcome, reason, trail_id FROM ucxl_audit WHERE number = 40",
      -3,
      /stands there twice|before the beginning/
    ],
    ["all lines removed", "DELETE FROM ucxl_audit; DELETE FROM ucxl_audit_archives", "first", /is missing/],
    [
      "a missing archive at the beginning",
      "DELETE FROM ucxl_audit_archives WHERE first = (SELECT min(first) FROM ucxl_audit_archives)",
      "first",
      /is missing/
    ],
    [
      "an archive that is empty",
      "UPDATE ucxl_audit_archives SET lines = x'' WHERE first = (SELECT min(first) FROM ucxl_audit_archives)",
      "first",
      /is missing/
    ],
    [
      "an archive that is no archive",
      "UPDATE ucxl_audit_archives SET lines = x'ffffffff00' WHERE first = (SELECT min(first) FROM ucxl_audit_archives)",
      "first",
      /cannot be read/
    ],
    ["a removed head", "DELETE FROM ucxl_audit_head", null, /head/],
    ["a head of nonsense", "UPDATE ucxl_audit_head SET record = x'80'", null, /head/],
    [
      "a head that somebody else signed",
      "UPDATE ucxl_audit_head SET record = CAST(substr(record, 1, length(record) - 1) || x'00' AS BLOB)",
      null,
      /head/
    ]
  ]

const OPTIONS: AuditOptions = { bytes: 2_500, archives: 3 }

const appendThenKill = (folder: string, count: number) =>
  runThenKill(join(import.meta.dirname, "keepAppending.ts"), folder, count)

describe("SqliteAuditLog", () => {
  for (const [what, statement, at, reason] of ATTACKS) {
    for (const when of ["while the node runs", "while it does not run"]) {
      it.effect(`finds ${what}, written into the database ${when}`, () =>
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const attack = (sql: SqlClient) =>
            Effect.forEach(statement.split("; "), (text) => sql.unsafe(text), { discard: true })
          const judge = Effect.fnUntraced(function* (log: AuditLog["Service"], first: number) {
            const verdict = yield* log.verify
            assert.isFalse(verdict.sound)
            assert.strictEqual(verdict.brokenAt, at === "first" ? first : at)
            assert.match(verdict.reason, reason)
          })
          const first = yield* using(
            folder,
            Effect.fnUntraced(function* (log, sql) {
              yield* append(log, 40)
              const { first } = yield* log.verify
              assert.isAbove(first, 1)
              yield* attack(sql)
              if (when === "while the node runs") yield* judge(log, first)
              return first
            }),
            OPTIONS
          )
          if (when !== "while the node runs") yield* using(folder, (log) => judge(log, first), OPTIONS)
        })
      )
    }
  }

  it.effect("goes on behind a log whose head does not hold, without vouching for it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(folder, (log, sql) =>
        Effect.andThen(append(log, 5), sql.unsafe("UPDATE ucxl_audit_head SET record = x'80'"))
      )
      yield* using(
        folder,
        Effect.fnUntraced(function* (log) {
          const line = yield* log.append(event())
          assert.strictEqual(line.number, 7)
          const [found] = yield* log.list(5, 1)
          assert.strictEqual(found?.operation, "audit")
          assert.strictEqual(found?.outcome, "failed")
          const verdict = yield* log.verify
          assert.strictEqual(verdict.brokenAt, 1)
          assert.match(verdict.reason, /stands before the beginning/)
        })
      )
    })
  )

  it.effect("goes on from one start to the next", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      for (const count of [3, 6, 9]) {
        yield* using(
          folder,
          Effect.fnUntraced(function* (log) {
            yield* append(log, 3)
            const verdict = yield* log.verify
            assert.deepStrictEqual([verdict.sound, verdict.lines], [true, count])
          })
        )
      }
    })
  )

  it.effect("says that the disk refused, and goes on where it was once it takes lines again", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(
        folder,
        Effect.fnUntraced(function* (log, sql) {
          yield* append(log, 3)
          yield* sql.unsafe("PRAGMA query_only = ON")
          const refused = yield* Effect.forEach([1, 2, 3], () => Effect.flip(log.append(event())), {
            concurrency: "unbounded"
          })
          for (const error of refused) assert.strictEqual(error._tag, "StorageFailed")
          assert.isTrue((yield* log.verify).sound)
          yield* sql.unsafe("PRAGMA query_only = OFF")
          assert.strictEqual((yield* log.append(event())).number, 4)
          assert.isTrue((yield* log.verify).sound)
        })
      )
    })
  )

  it.effect("passes over a line that cannot be read when it lists the others", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(
        folder,
        Effect.fnUntraced(function* (log, sql) {
          yield* append(log, 4)
          yield* sql.unsafe("UPDATE ucxl_audit SET operation = 'conquer' WHERE number = 2")
          yield* sql.unsafe("UPDATE ucxl_audit SET time = 1 << 60 WHERE number = 3")
          assert.deepStrictEqual(
            (yield* log.list(0, 10)).map(({ number }) => number),
            [1, 4]
          )
        })
      )
    })
  )

  const Mutation = Schema.Struct({
    kind: Schema.Literals(["change", "remove", "exchange", "insert", "archive", "rehash"]),
    column: Schema.Literals([
      "time",
      "node",
      "operation",
      "address",
      "role",
      "content_type",
      "size",
      "outcome",
      "reason"
    ]),
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
  })

  it.effect.prop(
    "finds any one change to a log of any length, at the line where it was made",
    [Arbitrary.schema(Mutation), Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 4, maximum: 40 })))],
    ([mutation, length]) =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        yield* using(
          folder,
          Effect.fnUntraced(function* (log, sql) {
            yield* append(log, length)
            const inTable = (yield* sql<{ n: number }>`SELECT min(number) AS n FROM ucxl_audit`)[0]?.n ?? 0
            const archives = yield* sql<{ first: number; lines: Uint8Array }>`SELECT * FROM ucxl_audit_archives`
            const archive = archives[mutation.at % Math.max(1, archives.length)]
            const number = inTable + (mutation.at % (length - inTable + 1))
            let found: ReadonlyArray<number> = [number]
            if (mutation.kind === "change") {
              const column = sql.literal(mutation.column)
              yield* sql`UPDATE ucxl_audit SET ${column} = ${mutation.column === "size" || mutation.column === "time" ? 77 : "x"} WHERE number = ${number}`
            } else if (mutation.kind === "remove") {
              yield* sql`DELETE FROM ucxl_audit WHERE number = ${number}`
            } else if (mutation.kind === "rehash") {
              yield* sql`UPDATE ucxl_audit SET trail_id = randomblob(32) WHERE number = ${number}`
            } else if (mutation.kind === "insert") {
              found = [length + 1]
              yield* sql`INSERT INTO ucxl_audit SELECT ${length + 1}, time, node, operation, address, role, content_type,
                size, outcome, reason, trail_id FROM ucxl_audit WHERE number = ${number}`
            } else if (mutation.kind === "exchange") {
              const other = number === length ? inTable : number + 1
              if (other === number) return
              found = [Math.min(number, other)]
              yield* sql`UPDATE ucxl_audit SET number = -number WHERE number IN (${number}, ${other})`
              yield* sql`UPDATE ucxl_audit SET number = CASE number WHEN ${-number} THEN ${other} ELSE ${number} END
                WHERE number < 0`
            } else {
              if (archive === undefined) return
              const lines = archive.lines.slice()
              lines[mutation.at % lines.length]! ^= 1 << (mutation.at % 8)
              // Where a length is changed, or a number, the line is not what was there: never later than the next.
              const line = archive.first + lineAt(archive.lines, mutation.at % lines.length)
              found = [line, line + 1]
              yield* sql`UPDATE ucxl_audit_archives SET lines = ${lines} WHERE first = ${archive.first}`
            }
            const verdict = yield* log.verify
            assert.isFalse(verdict.sound)
            assert.include(found, verdict.brokenAt)
          }),
          { bytes: 2_500, archives: 100 }
        )
      }),
    { arbitrary: { runs: 40 } }
  )

  it.live("has a sound chain after kill -9, with every line that was acknowledged", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const acknowledged = yield* appendThenKill(folder, 120)
      assert.isAtLeast(acknowledged, 120)
      yield* using(
        folder,
        Effect.fnUntraced(function* (log) {
          const verdict = yield* log.verify
          assert.isTrue(verdict.sound, verdict.reason)
          assert.isAtLeast(verdict.last, acknowledged)
          assert.strictEqual((yield* log.append(event())).number, verdict.last + 1)
        })
      )
    })
  )
})

/** Which line of an archive a byte belongs to. */
const lineAt = (bytes: Uint8Array, offset: number): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let line = 0
  for (let at = 4 + view.getUint32(0); at <= offset; at += 4 + view.getUint32(at)) line += 1
  return line
}
