/** What every transport promises (services/transport/Transport.ts), whatever carries the bytes. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, type Layer, Result, Scope } from "effect"
import { FrameType, PAYLOAD_LIMIT, writeFrame, writeHeader } from "#schemas/session/Frame"
import { type Address, parseAddress } from "#schemas/transport/Address"
import {
  type Connection,
  ConnectionClosed,
  type Reader,
  type Transport,
  Transports
} from "#services/transport/Transport"
import { dial, listen, receive } from "./connections.ts"

export interface TransportUnderTest {
  readonly it: (name: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) => void
  /** Lets what is under way go on: by default other fibers, where nothing takes time. */
  readonly turn?: Effect.Effect<void>
  readonly layer: Layer.Layer<Transports>
  /** Where to listen: any free port of this machine. */
  readonly anywhere: string
  /** Nobody listens here. */
  readonly nobody: string
  /** An address of another transport. */
  readonly foreign: string
}

const address = (text: string): Address => Result.getOrThrow(parseAddress(text))

export const message = (length: number, mark: number): Uint8Array =>
  writeFrame({ type: FrameType.BATCH, rekey: false, payload: new Uint8Array(length).fill(mark) })

const payloads = (frames: ReadonlyArray<Uint8Array>) => frames.map((frame) => [frame.length - 8, frame[8]])

/** Reads until `count` messages came. */
const collect = Effect.fnUntraced(function* (connection: Connection, count: number) {
  const all: Array<Uint8Array> = []
  while (all.length < count) all.push(...(yield* receive(connection)))
  return all
})

/** Reads to the end and answers how it ended. */
const untilEnd = (connection: Connection) => Effect.flip(Effect.forever(receive(connection)))

/** Both ends of one connection, in the caller's scope. */
const pair = Effect.fnUntraced(function* (transport: Transport, at: string) {
  const accepted = yield* Deferred.make<Connection>()
  const listener = yield* listen(transport, address(at), (it) =>
    Effect.andThen(Deferred.succeed(accepted, it), Effect.never)
  )
  const near = yield* dial(transport, listener.address)
  const far = yield* Deferred.await(accepted)
  yield* Effect.addFinalizer(() => Effect.sync(() => far.abort())) // or the near end would linger for it
  return { listener, near, far }
})

export const transportLaws = (under: TransportUnderTest): void => {
  const turn = under.turn ?? Effect.yieldNow
  const law = (name: string, body: (transport: Transport) => Effect.Effect<void, unknown, Scope.Scope>) =>
    under.it(name, () =>
      Effect.gen(function* () {
        const [transport] = yield* Transports
        if (transport !== undefined) yield* body(transport)
      }).pipe(Effect.provide(under.layer))
    )

  law("messages arrive in order and with their boundaries, both ways", (transport) =>
    Effect.gen(function* () {
      const { near, far } = yield* pair(transport, under.anywhere)
      for (let i = 0; i < 300; i++) near.write([message(i, i)])
      for (let i = 0; i < 20; i++) far.write([message(1, i)])
      const expected = Array.from({ length: 300 }, (_, i) => [i, i === 0 ? undefined : i % 256])
      assert.deepStrictEqual(payloads(yield* collect(far, 300)), expected)
      assert.deepStrictEqual(
        payloads(yield* collect(near, 20)),
        Array.from({ length: 20 }, (_, i) => [1, i])
      )
      assert.isTrue(near.dialled)
      assert.isFalse(far.dialled)
    })
  )

  law("a message of the largest size, given in parts, arrives whole", (transport) =>
    Effect.gen(function* () {
      const { near, far } = yield* pair(transport, under.anywhere)
      const whole = message(PAYLOAD_LIMIT, 7)
      near.write([whole.subarray(0, 8), whole.subarray(8, 30_000), whole.subarray(30_000)])
      near.write([message(3, 1)])
      const [first, second] = yield* collect(far, 2)
      assert.strictEqual(Buffer.compare(first ?? new Uint8Array(0), whole), 0)
      assert.deepStrictEqual(payloads([second ?? new Uint8Array(0)]), [[3, 1]])
    })
  )

  law("a reader that rests holds the writer back, and nothing is lost", (transport) =>
    Effect.gen(function* () {
      const { near, far } = yield* pair(transport, under.anywhere)
      const writer = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let i = 0; i < 1000; i++) {
            if (!near.write([message(60_000, i)])) yield* near.drained
          }
        })
      )
      for (let n = 0; n < 200; n++) yield* turn
      assert.isUndefined(writer.pollUnsafe(), "60 MB were taken without a reader")
      const frames = yield* collect(far, 1000)
      assert.deepStrictEqual(
        payloads(frames),
        frames.map((_, i) => [60_000, i % 256])
      )
      yield* Fiber.join(writer)
    })
  )

  law("the far end's finishing is seen as the end, after everything that was written", (transport) =>
    Effect.gen(function* () {
      const listener = yield* listen(transport, address(under.anywhere), (it) =>
        Effect.sync(() => {
          for (let i = 0; i < 50; i++) it.write([message(50_000, i)])
        })
      )
      const near = yield* dial(transport, listener.address)
      assert.strictEqual((yield* collect(near, 50)).length, 50)
      assert.deepStrictEqual(yield* untilEnd(near), new ConnectionClosed({ reason: "ended" }))
      assert.isFalse(near.write([message(1, 1)]) && near.write([message(1, 1)]))
    })
  )

  law("abort ends both sides, each with a reason, and can be repeated", (transport) =>
    Effect.gen(function* () {
      const { near, far } = yield* pair(transport, under.anywhere)
      near.abort()
      near.abort()
      assert.deepStrictEqual(yield* untilEnd(near), new ConnectionClosed({ reason: "closed here" }))
      assert.include(["ended", "reset"], (yield* untilEnd(far)).reason)
      assert.isFalse(near.write([message(1, 1)]))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(near.drained)))
    })
  )

  law("a reader that waits is woken by the end, and one that is interrupted loses nothing", (transport) =>
    Effect.gen(function* () {
      const { near, far } = yield* pair(transport, under.anywhere)
      const waiting = yield* Effect.forkChild(receive(far))
      yield* turn
      yield* Fiber.interrupt(waiting)
      near.write([message(2, 2)])
      assert.deepStrictEqual(payloads(yield* collect(far, 1)), [[2, 2]])
      const again = yield* Effect.forkChild(Effect.flip(receive(far)))
      near.abort()
      assert.instanceOf(yield* Fiber.join(again), ConnectionClosed)
    })
  )

  law("dialling nobody is refused, and a foreign address is not supported", (transport) =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(dial(transport, address(under.nobody)))
      assert.deepStrictEqual([refused._tag, refused.reason], ["DialFailed", "refused"])
      assert.strictEqual((yield* Effect.flip(dial(transport, address(under.foreign)))).reason, "not supported")
      const listening = yield* Effect.flip(listen(transport, address(under.foreign), () => Effect.void))
      assert.strictEqual(listening.reason, "not supported")
      assert.isTrue(transport.supports(address(under.anywhere)))
      assert.isFalse(transport.supports(address(under.foreign)))
    })
  )

  law("an address is had once, and again after its scope closed", (transport) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const first = yield* listen(transport, address(under.anywhere), () => Effect.void).pipe(Scope.provide(scope))
      const taken = yield* Effect.flip(listen(transport, first.address, () => Effect.void))
      assert.deepStrictEqual([taken._tag, taken.reason], ["ListenFailed", "in use"])
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(dial(transport, first.address))).reason, "refused")
      yield* listen(transport, first.address, () => Effect.void)
    })
  )

  law("garbage and oversize frames end the connection with a reason of their own", (transport) =>
    Effect.gen(function* () {
      const garbage = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")
      const oversize = new Uint8Array(8)
      writeHeader(oversize, 0, FrameType.HANDSHAKE, 0, 1_537)
      for (const [bytes, reason] of [
        [garbage, "malformed frame"],
        [oversize, "oversize frame"]
      ] as const) {
        const { near, far } = yield* pair(transport, under.anywhere)
        near.write([message(4, 4)])
        near.write([bytes])
        assert.deepStrictEqual(payloads(yield* collect(far, 1)), [[4, 4]])
        assert.strictEqual((yield* untilEnd(far)).reason, reason)
        assert.include(["ended", "reset"], (yield* untilEnd(near)).reason)
      }
    })
  )

  law("what was accepted outlives its listener", (transport) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const accepted = yield* Deferred.make<Connection>()
      const listener = yield* transport
        .listen(address(under.anywhere), (it) => Deferred.doneUnsafe(accepted, Effect.succeed(it)))
        .pipe(Scope.provide(scope))
      const near = yield* dial(transport, listener.address)
      const far = yield* Deferred.await(accepted)
      yield* Scope.close(scope, Exit.void)
      far.write([message(1, 1)])
      assert.deepStrictEqual(payloads(yield* collect(near, 1)), [[1, 1]])
      far.finish()
      assert.strictEqual((yield* untilEnd(near)).reason, "ended")
    })
  )

  law("a reader is handed what comes as it comes, until it rests, and hears of the end once", (transport) =>
    Effect.gen(function* () {
      const { near, far } = yield* pair(transport, under.anywhere)
      const heard: Array<number | string> = []
      const reader: Reader = {
        onMessages: (messages) => {
          for (const one of messages) heard.push(one.length - 8)
          if (heard.length === 2) far.rest()
        },
        onEnd: (reason) => heard.push(reason)
      }
      const until = (count: number) =>
        Effect.gen(function* () {
          for (let n = 0; n < 10_000 && heard.length < count; n++) yield* turn
        })
      far.read(reader)
      near.write([message(1, 1)])
      yield* until(1)
      near.write([message(2, 2)])
      yield* until(2)
      near.write([message(3, 3)])
      for (let n = 0; n < 50; n++) yield* turn
      assert.deepStrictEqual(heard, [1, 2])
      far.read(reader)
      near.finish()
      yield* until(4)
      near.finish()
      far.finish()
      for (let n = 0; n < 50; n++) yield* turn
      assert.deepStrictEqual(heard, [1, 2, 3, "ended"])
    })
  )

  law("a dial that is given up tells nothing, and leaves nothing behind", (transport) =>
    Effect.gen(function* () {
      let told = 0
      const ends: Array<string> = []
      const { address: there } = yield* transport.listen(address(under.anywhere), (it) =>
        it.read({ onMessages: () => ends.push("message"), onEnd: () => ends.push("end") })
      )
      transport.dial(there, () => told++)()
      for (let n = 0; n < 100; n++) yield* turn
      assert.strictEqual(told, 0)
      assert.notInclude(ends, "message")
    })
  )

  law("1,000 connections, one after the other, leave nothing behind", (transport) =>
    Effect.gen(function* () {
      let open = 0
      const listener = yield* listen(transport, address(under.anywhere), (it) =>
        Effect.acquireUseRelease(
          Effect.sync(() => open++),
          () => Effect.ignore(Effect.forever(Effect.map(receive(it), (frames) => it.write(frames)))),
          () => Effect.sync(() => open--)
        )
      )
      const one = Effect.scoped(
        Effect.gen(function* () {
          const near = yield* dial(transport, listener.address)
          near.write([message(10, 1)])
          assert.strictEqual((yield* collect(near, 1)).length, 1)
        })
      )
      yield* Effect.forEach(Array.from({ length: 1000 }), () => one, { concurrency: 20, discard: true })
      for (let n = 0; n < 100 && open > 0; n++) yield* turn
      assert.strictEqual(open, 0)
    })
  )
}
