import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Random, Schedule } from "effect"
import * as tempo from "#layers/node/tempo"
import { JoinStagger } from "#services/dht/Schedules"
import { HandshakeDeadline, HeartbeatAfter } from "#services/session/Schedules"

const services = fileURLToPath(new URL("../../../services", import.meta.url))

/** Every reference that a `services/<domain>/Schedules.ts` exports, as "domain.Name". */
const declared = Effect.promise(async () => {
  const found: Array<readonly [string, Context.Key<never, unknown>]> = []
  for (const domain of readdirSync(services)) {
    if (!readdirSync(`${services}/${domain}`).includes("Schedules.ts")) continue
    const exports: Record<string, Context.Key<never, unknown>> = await import(`${services}/${domain}/Schedules.ts`)
    for (const [name, value] of Object.entries(exports)) {
      if (Context.isReference(value)) found.push([`${domain}.${name}`, value])
    }
  }
  return found
})

const STEPS = 30
/** What makes every retry of ours go on that goes on for anything. */
const FAILURES = [{ _tag: "Unacknowledged" }, { _tag: "NotFound" }]

/** The delays of a schedule, its chance drawn from one seed; of anything else the milliseconds in it. */
const comparable = (value: unknown): Effect.Effect<unknown> => {
  if (Duration.isDuration(value)) return Effect.succeed(Duration.toMillis(value))
  if (!Schedule.isSchedule(value)) {
    if (typeof value !== "object" || value === null) return Effect.succeed(value)
    return Effect.map(
      Effect.forEach(Object.entries(value), ([name, part]) => Effect.map(comparable(part), (it) => [name, it])),
      Object.fromEntries
    )
  }
  const delays = Effect.forEach(FAILURES, (failure) =>
    Effect.gen(function* () {
      const step = yield* Schedule.toStep(value as Schedule.Schedule<unknown, unknown>)
      const delays: Array<number> = []
      let now = 0
      for (let at = 0; at < STEPS; at++) {
        const next = yield* Effect.option(step(now, failure))
        if (next._tag === "None") break
        delays.push(Duration.toMillis(next.value[1]))
        now += delays.at(-1) ?? 0
      }
      return delays
    })
  )
  return delays.pipe(Random.withSeed("tempo"))
}

describe("tempo", () => {
  for (const [name, layer] of Object.entries({ production: tempo.production, local: tempo.local })) {
    it.effect(`${name} provides every schedule and duration that the services declare`, () =>
      Effect.gen(function* () {
        const provided = yield* Effect.scoped(Layer.build(layer))
        const names = yield* declared
        assert.isAtLeast(names.length, 20)
        const missing = names.filter(([, { key }]) => !provided.mapUnsafe.has(key)).map(([name]) => name)
        assert.deepStrictEqual(missing, [])
        const ours = [...provided.mapUnsafe.keys()].filter((key) => key.startsWith("allium/"))
        assert.strictEqual(ours.length, names.length, "provides something that nobody declares")
      })
    )
  }

  it.effect("of production is what the services declare by default, so that calm may leave out what it keeps", () =>
    Effect.gen(function* () {
      const production = yield* Effect.scoped(Layer.build(tempo.production))
      for (const [name, key] of yield* declared) {
        const values = [Context.empty(), production].map((it) => Context.getUnsafe(it, key))
        const [byDefault, provided] = yield* Effect.forEach(values, comparable)
        assert.deepStrictEqual(provided, byDefault, name)
      }
    })
  )

  it.effect("calm provides only what services declare", () =>
    Effect.gen(function* () {
      const provided = yield* Effect.scoped(Layer.build(tempo.calm))
      const keys = new Set((yield* declared).map(([, key]) => key.key))
      const ours = [...provided.mapUnsafe.keys()].filter((key) => key.startsWith("allium/"))
      assert.isAtLeast(ours.length, 20)
      assert.deepStrictEqual(
        ours.filter((key) => !keys.has(key)),
        []
      )
    })
  )

  it.effect("keeps the production deadlines where it is calm, and pings less often", () =>
    Effect.gen(function* () {
      const [calm, real] = [
        yield* Effect.scoped(Layer.build(tempo.calm)),
        yield* Effect.scoped(Layer.build(tempo.production))
      ]
      const millis = (context: Context.Context<never>, key: typeof HeartbeatAfter) =>
        Duration.toMillis(Context.get(context, key))
      assert.strictEqual(millis(calm, HeartbeatAfter), 20 * millis(real, HeartbeatAfter))
      assert.strictEqual(millis(calm, HandshakeDeadline), millis(real, HandshakeDeadline))
    })
  )

  it.effect("lets the nodes of one machine join without waiting", () =>
    Effect.gen(function* () {
      const provided = yield* Effect.scoped(Layer.build(tempo.local))
      assert.strictEqual(Duration.toMillis(Context.get(provided, JoinStagger)), 0)
    })
  )
})
