/** Connections as effects and in scopes, for tests: what production code does without a fiber. */
import { Effect, FiberSet, type Result, type Scope } from "effect"
import type { Address } from "#schemas/transport/Address"
import {
  type Connection,
  ConnectionClosed,
  type DialFailed,
  type Dialled,
  type GiveUp,
  type Transport
} from "#services/transport/Transport"

/** Waits for what comes of a dial, and gives it up when interrupted. */
export const outcome = (begin: (done: Dialled) => GiveUp): Effect.Effect<Connection, DialFailed> =>
  Effect.callback((resume) =>
    Effect.sync(begin((dialled: Result.Result<Connection, DialFailed>) => resume(Effect.fromResult(dialled))))
  )

/** Closes with the caller's scope. */
export const dial = (transport: Transport, address: Address): Effect.Effect<Connection, DialFailed, Scope.Scope> =>
  Effect.acquireRelease(
    outcome((done) => transport.dial(address, done)),
    (it) => Effect.sync(() => it.finish()),
    { interruptible: true }
  )

/** Each connection is handled in a fiber of its own, and closes when that is done. */
export const listen = Effect.fnUntraced(function* (
  transport: Transport,
  address: Address,
  handle: (connection: Connection) => Effect.Effect<void>
) {
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  return yield* transport.listen(address, (it) =>
    run(
      Effect.ensuring(
        handle(it),
        Effect.sync(() => it.finish())
      )
    )
  )
})

/** The messages that arrived since the last call, at least one; waits for them. */
export const receive = (connection: Connection): Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionClosed> =>
  Effect.callback((resume) => {
    connection.read({
      onMessages: (messages) => {
        connection.rest()
        resume(Effect.succeed(messages))
      },
      onEnd: (reason) => resume(Effect.fail(new ConnectionClosed({ reason })))
    })
    return Effect.sync(() => connection.rest())
  })
