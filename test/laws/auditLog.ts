/** What every AuditLog keeps, whatever it keeps it in. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Identity } from "#services/identity/Identity"
import { type AuditEntry, type AuditEvent, AuditLog, AuditOperation, AuditOutcome } from "#services/ucxl/AuditLog"
import { auditor, event } from "./auditor.ts"

const Event = Schema.Struct({
  operation: AuditOperation,
  address: Schema.String.check(Schema.isMaxLength(40)),
  role: Schema.String.check(Schema.isMaxLength(10)),
  contentType: Schema.String.check(Schema.isMaxLength(10)),
  size: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  outcome: AuditOutcome,
  reason: Schema.String.check(Schema.isMaxLength(20))
})

export interface AuditOptions {
  readonly bytes?: number
  readonly archives?: number
}

const wellFormed = (it: AuditEvent): AuditEvent => ({
  ...it,
  address: it.address.toWellFormed(),
  role: it.role.toWellFormed(),
  contentType: it.contentType.toWellFormed(),
  reason: it.reason.toWellFormed()
})

const eventOf = ({ address, contentType, operation, outcome, reason, role, size }: AuditEntry): AuditEvent => ({
  ...{ operation, address, role, contentType, size, outcome, reason }
})

export const auditLogLaws = <E>(
  name: string,
  layerOf: (options: AuditOptions) => Layer.Layer<AuditLog, E, Layer.Success<typeof auditor>>
) => {
  const withLog = <A, E2>(
    body: (log: AuditLog["Service"], did: string) => Effect.Effect<A, E2>,
    options: AuditOptions = {}
  ) =>
    Effect.gen(function* () {
      return yield* body(yield* AuditLog, (yield* Identity).did)
    }).pipe(Effect.provide(layerOf(options).pipe(Layer.provideMerge(auditor)), { local: true }))

  describe(`${name} keeps the laws of AuditLog`, () => {
    it.effect("gives back each line with its number, its time, the node and an id that hangs on the one before", () =>
      withLog(
        Effect.fnUntraced(function* (log, did) {
          yield* TestClock.adjust("5 seconds")
          const one = yield* log.append(event())
          const two = yield* log.append(event({ outcome: "denied", reason: "ReadOnly" }))
          assert.strictEqual(two.number, 2)
          assert.strictEqual(two.time, 5_000)
          assert.strictEqual(two.node, did)
          assert.match(two.trailId, /^[0-9a-f]{64}$/)
          assert.notStrictEqual(one.trailId, two.trailId)
          assert.deepStrictEqual(yield* log.list(0, 10), [one, two])
          assert.deepStrictEqual(yield* log.list(1, 10), [two])
          assert.deepStrictEqual(yield* log.latest(1), [two])
          const verdict = { sound: true, lines: 2, first: 1, last: 2, brokenAt: null, reason: "" }
          assert.deepStrictEqual(yield* log.verify, verdict)
        })
      )
    )

    it.effect("is sound when it is empty", () =>
      withLog(
        Effect.fnUntraced(function* (log) {
          const verdict = { sound: true, lines: 0, first: 1, last: 0, brokenAt: null, reason: "" }
          assert.deepStrictEqual(yield* log.verify, verdict)
          assert.deepStrictEqual(yield* log.latest(5), [])
        })
      )
    )

    it.effect("cuts what is too long, and keeps what is strange", () =>
      withLog(
        Effect.fnUntraced(function* (log) {
          const long = "ü".repeat(5_000)
          const cut = yield* log.append(event({ address: long, role: long, contentType: long, reason: long }))
          assert.strictEqual(cut.reason, "ü".repeat(128))
          assert.isBelow(JSON.stringify(cut).length, 1_200)
          const strange = yield* log.append(event({ reason: "\ud800 \u0000 \u001b[31m ' \" 💥" }))
          assert.strictEqual(strange.reason, "\ufffd \u0000 \u001b[31m ' \" 💥")
          assert.deepStrictEqual(yield* log.list(0, 5), [cut, strange])
          assert.isTrue((yield* log.verify).sound)
        })
      )
    )

    it.effect("tells every line to those who listen, in order", () =>
      withLog(
        Effect.fnUntraced(function* (log) {
          const listening = yield* log.changes.pipe(Stream.take(3), Stream.runCollect, Effect.forkChild)
          yield* Effect.yieldNow
          yield* Effect.yieldNow
          for (const size of [1, 2, 3]) yield* log.append(event({ size }))
          const heard = yield* Fiber.join(listening)
          assert.deepStrictEqual(
            heard.map(({ number, size }) => [number, size]),
            [
              [1, 1],
              [2, 2],
              [3, 3]
            ]
          )
        })
      )
    )

    it.effect("numbers lines that come at once without gaps, and answers each with its own", () =>
      withLog(
        Effect.fnUntraced(function* (log) {
          const sizes = Array.from({ length: 150 }, (_, n) => n)
          const lines = yield* Effect.forEach(sizes, (size) => log.append(event({ size })), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(
            lines.map(({ size }) => size),
            sizes
          )
          assert.deepStrictEqual(
            (yield* log.list(0, 1_000)).map(({ number }) => number),
            sizes.map((n) => n + 1)
          )
          assert.isTrue((yield* log.verify).sound)
        })
      )
    )

    it.effect("reads lines that were archived as well, and begins later when the oldest archive is dropped", () =>
      withLog(
        Effect.fnUntraced(function* (log) {
          const written: Array<AuditEntry> = []
          for (let size = 0; size < 100; size++) written.push(yield* log.append(event({ size })))
          const verdict = yield* log.verify
          assert.isTrue(verdict.sound)
          assert.strictEqual(verdict.last, 100)
          assert.isAbove(verdict.first, 1)
          assert.strictEqual(verdict.lines, 100 - verdict.first + 1)
          assert.isAtLeast(verdict.lines, 20)
          assert.deepStrictEqual(yield* log.list(0, 1_000), written.slice(verdict.first - 1))
          assert.deepStrictEqual(yield* log.list(verdict.first, 3), written.slice(verdict.first, verdict.first + 3))
          assert.deepStrictEqual(yield* log.latest(7), written.slice(-7))
        }),
        { bytes: 2_500, archives: 2 }
      )
    )

    it.effect.prop(
      "is a list of what was appended, whatever it was, with a chain that holds",
      [Arbitrary.array(Arbitrary.schema(Event), { maxLength: 16 })],
      ([events]) =>
        withLog(
          Effect.fnUntraced(function* (log) {
            for (const it of events) yield* log.append(it)
            assert.deepStrictEqual((yield* log.list(0, 100)).map(eventOf), events.map(wellFormed))
            assert.deepStrictEqual(yield* log.verify, {
              ...{ sound: true, lines: events.length, first: 1, last: events.length },
              ...{ brokenAt: null, reason: "" }
            })
          }),
          { bytes: 1_000 }
        ),
      { arbitrary: { runs: 20 } }
    )
  })
}
