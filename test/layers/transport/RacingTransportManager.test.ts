import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FiberSet, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { type Connection, DialFailed, type Transport, Transports } from "#services/transport/Transport"
import { TransportManager } from "#services/transport/TransportManager"
import { outcome } from "../../laws/connections.ts"

const address = (text: string): Address => Result.getOrThrow(parseAddress(text))
const at = (n: number) => address(`/ip4/198.51.100.${n}/tcp/1`)

type Fate = "never" | "refused" | number

/** A transport whose addresses answer after so many milliseconds, and that tells what was done to it. */
const scripted = (fates: Record<string, Fate>, remote?: Address) => {
  const log: Array<string> = []
  const connection = (to: Address): Connection => ({
    address: remote ?? to,
    dialled: true,
    read: () => {},
    rest: () => {},
    finish: () => log.push(`finish ${to.host}`),
    write: () => true,
    drained: Effect.void,
    abort: () => log.push(`abort ${to.host}`)
  })
  const transportWith = (run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>): Transport => ({
    name: "scripted",
    supports: (it) => it.kind === "tcp",
    dial: (to, done) => {
      log.push(`dial ${to.host}`)
      const fate = fates[to.host] ?? "refused"
      if (fate === "refused") done(Result.fail(new DialFailed({ address: to.text, reason: "refused" })))
      if (typeof fate !== "number") return () => log.push(`give up ${to.host}`)
      const answering = run(
        Effect.map(Effect.sleep(fate), () => {
          log.push(`answer ${to.host}`)
          done(Result.succeed(connection(to)))
        })
      )
      return () => {
        log.push(`give up ${to.host}`)
        answering.interruptUnsafe()
      }
    },
    listen: () => Effect.die("not here")
  })
  const transports = Layer.effect(
    Transports,
    Effect.map(FiberSet.makeRuntime<never, void, never>(), (run) => [transportWith(run)])
  )
  const layer = RacingTransportManager.layer.pipe(Layer.provide(transports))
  return { log, layer }
}

const dial = (addresses: ReadonlyArray<Address>, trusted = true) =>
  Effect.flatMap(TransportManager, (it) => outcome((done) => it.dial(addresses, { trusted }, done)))

describe("RacingTransportManager", () => {
  it.effect("a silent address is overtaken by the next after the stagger, and leaves nothing", () => {
    const { layer, log } = scripted({ "198.51.100.1": "never", "198.51.100.2": 10 })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(dial([at(1), at(2), at(3)]))
      yield* TestClock.adjust("249 millis")
      assert.deepStrictEqual(log, ["dial 198.51.100.1"])
      yield* TestClock.adjust("11 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).address.host, "198.51.100.2")
      assert.deepStrictEqual(log.slice(1), ["dial 198.51.100.2", "answer 198.51.100.2", "give up 198.51.100.1"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("a refused address makes room for the next at once; the last failure is told", () => {
    const { layer, log } = scripted({})
    return Effect.gen(function* () {
      const failure = yield* Effect.flip(dial([at(1), at(2), at(3), at(4)]))
      assert.deepStrictEqual([failure.reason, failure.address], ["refused", at(3).text])
      assert.strictEqual(log.length, 3, "at most three are tried")
    }).pipe(Effect.provide(layer))
  })

  it.effect("of two that answer one wins, and the other is given up", () => {
    const { layer, log } = scripted({ "198.51.100.1": 260, "198.51.100.2": 10 })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(dial([at(1), at(2)]))
      yield* TestClock.adjust("1 second")
      const winner = (yield* Fiber.join(fiber)).address.host
      const loser = winner === "198.51.100.1" ? "198.51.100.2" : "198.51.100.1"
      assert.deepStrictEqual(
        log.filter((it) => !it.startsWith("dial")),
        [`answer ${winner}`, `give up ${loser}`]
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("whoever gives a dial up hears nothing of it, and all that it began is given up", () => {
    const { layer, log } = scripted({ "198.51.100.1": "never", "198.51.100.2": 1_000 })
    return Effect.gen(function* () {
      const manager = yield* TransportManager
      const giveUp = manager.dial([at(1), at(2), at(3)], { trusted: true }, () => log.push("told"))
      yield* TestClock.adjust("300 millis")
      giveUp()
      giveUp()
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(log, [
        "dial 198.51.100.1",
        "dial 198.51.100.2",
        "give up 198.51.100.1",
        "give up 198.51.100.2"
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("the deadline bounds it all", () => {
    const { layer } = scripted({ "198.51.100.1": "never", "198.51.100.2": "never" })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(dial([at(1), at(2)])))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason, "timeout")
    }).pipe(Effect.provide(layer))
  })

  it.effect("private addresses are dialled on a trusted word only, names that lead there included", () => {
    const { layer, log } = scripted({ "10.0.0.1": 0, "inside.example": 0 }, address("/ip4/10.0.0.1/tcp/1"))
    const name = address("/dns4/inside.example/tcp/1")
    return Effect.gen(function* () {
      const stranger = yield* Effect.flip(dial([address("/ip4/10.0.0.1/tcp/1")], false))
      assert.deepStrictEqual([stranger.reason, log], ["private address", []])
      const named = yield* Effect.forkChild(Effect.flip(dial([name], false)))
      const own = yield* Effect.forkChild(dial([address("/ip4/10.0.0.1/tcp/1")], true))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(named)).reason, "private address")
      assert.include(log, "abort inside.example")
      assert.strictEqual((yield* Fiber.join(own)).address.host, "10.0.0.1")
    }).pipe(Effect.provide(layer))
  })

  it.effect("says why there is nothing to dial", () => {
    const { layer } = scripted({})
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(dial([]))).reason, "no address")
      assert.strictEqual((yield* Effect.flip(dial([address("/memory/1")]))).reason, "not supported")
    }).pipe(Effect.provide(layer))
  })
})
