/** Sockets that have said all they had to say, until the far end has too: one sweep bounds the wait of all of them. */
import type { Socket } from "node:net"
import { Effect, Schedule } from "effect"

/** Sweeps that a socket may see; with the pace below, one to two seconds. */
const PATIENCE = 2
const PACE = "1 second"
const MOMENT = "50 millis"

export class Lingering {
  readonly #sockets = new Map<Socket, number>()

  get size(): number {
    return this.#sockets.size
  }

  add(socket: Socket): void {
    this.#sockets.set(socket, 0)
    socket.once("close", () => this.#sockets.delete(socket))
  }

  sweep(): void {
    for (const [socket, seen] of this.#sockets) {
      if (seen + 1 >= PATIENCE) socket.destroy()
      else this.#sockets.set(socket, seen + 1)
    }
  }
}

/** Lives with the scope; at its end what still lingers has a moment more, then it is cut off. */
export const makeLingering = Effect.gen(function* () {
  const lingering = yield* Effect.acquireRelease(
    Effect.sync(() => new Lingering()),
    (it) =>
      Effect.sync(() => it.sweep()).pipe(
        Effect.andThen(Effect.suspend(() => (it.size === 0 ? Effect.void : Effect.sleep(MOMENT)))),
        Effect.repeat(Schedule.recurs(PATIENCE).pipe(Schedule.while(() => it.size > 0)))
      )
  )
  yield* Effect.sync(() => lingering.sweep()).pipe(Effect.schedule(Schedule.spaced(PACE)), Effect.forkScoped)
  return lingering
})
