import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import type { NatKind } from "#simulator/network/Nat"
import { GIVE_UP } from "#simulator/network/Wire"
import { dial } from "../../laws/connections.ts"
import { virtually } from "../inVirtualTime.ts"
import { boot, crash, hear, LATENCY, makeLab, PORT, say, untilEnd } from "./lab.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timeoutOption(effect, "20 seconds"), Option.isSome)

describe("a simulated connection", () => {
  virtually("takes one round trip to open and one way to carry a message", ({ time }) =>
    Effect.gen(function* () {
      const { near, far } = yield* makeLab(time, ["none", "none"]).pair(0, 1)
      assert.closeTo(time.now, 2 * LATENCY, 0.01)
      say(near, 1)
      yield* hear(far, 1)
      assert.closeTo(time.now, 3 * LATENCY, 0.01)
    })
  )

  virtually("shows lost, doubled and overtaken messages as waiting, never as a gap or in another order", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"], { loss: 0.3, duplication: 0.2, reordering: 0.5, jitter: 20 })
      const { near, far } = yield* lab.pair(0, 1)
      const { messages } = lab.network
      const waits: Array<number> = []
      for (const n of numbers(200)) {
        const said = time.now
        say(near, n)
        if (n % 3 === 0) say(near, n)
        assert.deepStrictEqual(yield* hear(far, n % 3 === 0 ? 2 : 1), n % 3 === 0 ? [n, n] : [n])
        waits.push(time.now - said)
      }
      assert.isAtLeast(Math.min(...waits), LATENCY)
      assert.isAbove(Math.max(...waits), LATENCY + 400)
      assert.isAbove(waits.filter((it) => it > LATENCY + 200).length, 30)
      assert.isAbove(lab.network.messages, messages)
    })
  )

  virtually("keeps its order when messages follow each other faster than they are delayed", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"], { loss: 0.2, reordering: 0.9, jitter: 100 })
      const { near, far } = yield* lab.pair(0, 1)
      for (const n of numbers(100)) {
        say(near, n, 1_400)
        yield* Effect.sleep("1 millis")
      }
      assert.deepStrictEqual(yield* hear(far, 100), numbers(100))
    })
  )

  virtually("stands still while it is cut, and goes on after with all that was written", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      const { near, far } = yield* lab.pair(0, 1)
      const mend = lab.network.wire.cut({ passes: () => false })
      for (const n of numbers(5)) say(near, n)
      const heard = yield* Effect.forkChild(hear(far, 5))
      yield* Effect.sleep("20 seconds")
      assert.isUndefined(heard.pollUnsafe())
      mend()
      assert.deepStrictEqual(yield* Fiber.join(heard), numbers(5))
      assert.isBelow(time.now, 50_000)
    })
  )

  virtually("is given up after a minute of writing in vain, not before, and idle ones outlast any cut", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none", "none"])
      const { near } = yield* lab.pair(0, 1)
      const idle = yield* lab.pair(0, 2)
      lab.network.wire.cut({ passes: () => false })
      const cutAt = time.now
      say(near, 1)
      assert.strictEqual(yield* untilEnd(near), "timeout")
      assert.closeTo(time.now - cutAt, GIVE_UP, 0.01)
      yield* Effect.sleep("30 minutes")
      lab.network.wire.mend()
      say(idle.near, 2)
      assert.deepStrictEqual(yield* hear(idle.far, 1), [2])
    })
  )

  virtually("is seen as reset when the program at its other end dies", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      const { near } = yield* lab.pair(0, 1)
      const died = time.now
      crash(lab.host(1), false)
      assert.strictEqual(yield* untilEnd(near), "reset")
      assert.closeTo(time.now - died, LATENCY, 0.01)
      yield* Effect.yieldNow
      assert.strictEqual(lab.host(0).ends.size, 0)
    })
  )

  virtually("tells nothing of a machine that lost its power, until it is back and is spoken to", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      const { near } = yield* lab.pair(0, 1)
      const ended = yield* Effect.forkChild(untilEnd(near))
      crash(lab.host(1), true)
      say(near, 1)
      yield* Effect.sleep("10 minutes")
      assert.isUndefined(ended.pollUnsafe())
      boot(lab.network, lab.host(1))
      yield* Effect.sleep("10 minutes")
      assert.isUndefined(ended.pollUnsafe(), "nobody has said anything")
      say(near, 2)
      assert.strictEqual(yield* Fiber.join(ended), "reset")
    })
  )

  virtually("passes in the one direction that is not cut", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      const { near, far } = yield* lab.pair(0, 1)
      lab.network.wire.cut({ passes: (from, to) => !(from === 0 && to === 1) })
      say(far, 1)
      assert.deepStrictEqual(yield* hear(near, 1), [1])
      say(near, 2)
      assert.isFalse(yield* inTime(hear(far, 1)))
      assert.isFalse(yield* inTime(lab.dial(0, 1)), "the question is lost")
      assert.isFalse(yield* inTime(lab.dial(1, 0)), "the answer is lost")
    })
  )

  virtually("carries no more than the line does, for all connections of a machine together", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none", "none"], { bandwidth: 1e5 })
      const [one, other] = [yield* lab.pair(0, 1), yield* lab.pair(0, 2)]
      const began = time.now
      for (const { near } of [one, other]) for (const n of numbers(2)) say(near, n, 50_000)
      yield* hear(one.far, 2)
      yield* hear(other.far, 2)
      assert.closeTo(time.now - began, 2_000 + LATENCY, 20)
    })
  )

  virtually("is counted, with the headers of each message", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      const { near, far } = yield* lab.pair(0, 1)
      assert.deepStrictEqual([lab.network.messages, lab.network.bytes], [2, 80])
      say(near, 1, 1_000)
      yield* hear(far, 1)
      assert.deepStrictEqual([lab.network.messages, lab.network.bytes], [3, 80 + 1_008 + 40])
    })
  )

  virtually("is refused by a machine on which nobody listens, and by nobody where no machine runs", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      assert.strictEqual((yield* Effect.flip(lab.dial(0, 1))).reason, "refused")
      crash(lab.host(1), true)
      assert.isFalse(yield* inTime(lab.dial(0, 1)))
      const nowhere = dial(lab.network.transportOf(lab.host(0)), lab.network.addressAt("99.1.1.1", PORT))
      assert.isFalse(yield* inTime(nowhere))
    })
  )

  virtually("does not begin for who has given up asking when a paused program goes on", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      yield* lab.listen(1)
      lab.host(1).process?.pause()
      assert.isFalse(yield* inTime(lab.dial(0, 1)))
      lab.host(1).process?.resume()
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual([lab.host(0).ends.size, lab.host(1).ends.size], [0, 0])
    })
  )

  virtually("to a paused program opens when it goes on", ({ time }) =>
    Effect.gen(function* () {
      const lab = makeLab(time, ["none", "none"])
      yield* lab.listen(1)
      lab.host(1).process?.pause()
      const dialling = yield* Effect.forkChild(lab.dial(0, 1))
      yield* Effect.sleep("5 seconds")
      assert.isUndefined(dialling.pollUnsafe())
      lab.host(1).process?.resume()
      assert.isTrue(yield* inTime(Fiber.join(dialling)))
    })
  )
})

/** Machine 0 is behind the router and has dialled machine 1, never machine 2. Who then reaches it where it was seen? */
const seenBehind = (nat: NatKind, lab: ReturnType<typeof makeLab>) =>
  Effect.gen(function* () {
    let port = 0
    yield* lab.listen(0)
    yield* lab.listen(1, ({ address }) => {
      port = address.kind === "tcp" ? address.port : 0
    })
    yield* lab.listen(2)
    const before = yield* inTime(lab.dial(1, 0))
    yield* lab.dial(0, 1)
    yield* Effect.sleep("1 second")
    return {
      nat,
      before,
      moved: port !== PORT,
      met: yield* inTime(lab.dial(1, 0, port)),
      stranger: yield* inTime(lab.dial(2, 0, port))
    }
  })

describe("a simulated home router", () => {
  for (const expected of [
    { nat: "none", before: true, moved: false, met: true, stranger: true },
    { nat: "full-cone", before: false, moved: false, met: true, stranger: true },
    { nat: "address-restricted", before: false, moved: false, met: true, stranger: false },
    { nat: "port-restricted", before: false, moved: false, met: true, stranger: false },
    { nat: "symmetric", before: false, moved: true, met: true, stranger: false }
  ] as const) {
    virtually(`of the kind ${expected.nat} lets in whom it should, as seen by dialling`, ({ time }) =>
      Effect.gen(function* () {
        const lab = makeLab(time, [expected.nat, "none", "none"])
        assert.deepStrictEqual(yield* seenBehind(expected.nat, lab), expected)
      })
    )
  }
})
