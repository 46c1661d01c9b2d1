import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer } from "effect"
import * as tempo from "#layers/node/tempo"
import { JoinStagger } from "#services/dht/Schedules"
import { HandshakeDeadline, HeartbeatAfter } from "#services/session/Schedules"

const services = fileURLToPath(new URL("../../../services", import.meta.url))

/** Every reference that a `services/<domain>/Schedules.ts` exports, as "domain.Name". */
const declared = Effect.promise(async () => {
  const found: Array<readonly [string, string]> = []
  for (const domain of readdirSync(services)) {
    if (!readdirSync(`${services}/${domain}`).includes("Schedules.ts")) continue
    const exports: Record<string, Context.Key<unknown, unknown>> = await import(`${services}/${domain}/Schedules.ts`)
    for (const [name, value] of Object.entries(exports)) {
      if (Context.isReference(value)) found.push([`${domain}.${name}`, value.key])
    }
  }
  return found
})

describe("tempo", () => {
  for (const [name, layer] of Object.entries(tempo)) {
    it.effect(`${name} provides every schedule and duration that the services declare`, () =>
      Effect.gen(function* () {
        const provided = yield* Effect.scoped(Layer.build(layer))
        const names = yield* declared
        assert.isAtLeast(names.length, 20)
        const missing = names.filter(([, key]) => !provided.mapUnsafe.has(key)).map(([name]) => name)
        assert.deepStrictEqual(missing, [])
        const ours = [...provided.mapUnsafe.keys()].filter((key) => key.startsWith("allium/"))
        assert.strictEqual(ours.length, names.length, "provides something that nobody declares")
      })
    )
  }

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
