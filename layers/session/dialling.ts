/** From "I want a session with this peer" to the one session: joins, refuses, dials, and remembers failures. */
import { Deferred, Effect, Fiber, type Schedule } from "effect"
import type { Contact } from "#core/identity/Contact"
import { keyOf } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { BACK_OFF_LIMIT, DIAL_LIMIT } from "#services/session/Limits"
import { ConnectFailed, type DialTarget, type Session } from "#services/session/SessionManager"
import type { Connection } from "#services/transport/Transport"
import type { TransportManager } from "#services/transport/TransportManager"
import { DialBackOff } from "./DialBackOff.ts"
import type { Established, HandshakeEffect, Handshaker } from "./Handshaker.ts"
import type { Link } from "./Link.ts"

type Wait = Deferred.Deferred<Session, ConnectFailed>

export interface DiallerOptions {
  readonly transports: TransportManager["Service"]
  readonly handshaker: Handshaker
  readonly self: () => Contact
  readonly local: boolean
  readonly again: Schedule.Schedule<unknown>
  readonly now: () => number
  readonly isBanned: (key: string) => boolean
  readonly find: (key: string) => Session | undefined
  /** Gives a handshake its deadline and counts how it failed. */
  readonly guarded: (connection: Connection, handshake: HandshakeEffect) => HandshakeEffect
  /** Lives as long as the session. */
  readonly serve: (connection: Connection, established: Established) => Effect.Effect<void>
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

export const makeDialler = (options: DiallerOptions) => {
  const { find, isBanned, now, self } = options
  const backOff = new DialBackOff(options.again, BACK_OFF_LIMIT)
  /** By `nameOf`. */
  const underway = new Map<string, Wait>()

  const refuse = (target: DialTarget, layer: ConnectFailed["layer"], reason: string) =>
    new ConnectFailed({ peer: nodeIdShort(target.nodeId), layer, reason })

  /** Whoever waits for this peer has it, whichever side dialled and at whatever address. */
  const arrived = (link: Link): void => {
    const key = link.contact.key
    backOff.succeeded(key)
    for (const [name, wait] of underway) {
      if (!name.startsWith(key)) continue
      underway.delete(name)
      backOff.succeeded(name)
      Deferred.doneUnsafe(wait, Effect.succeed(find(key) ?? link))
    }
  }

  const establish = Effect.fnUntraced(function* (target: DialTarget, key: string) {
    const connection = yield* options.transports
      .dial(target.addresses, { trusted: target.trusted === true || options.local })
      .pipe(Effect.mapError((it) => refuse(target, it.reason === "no address" ? "address" : "transport", it.reason)))
    const established = yield* options
      .guarded(connection, options.handshaker.dial(connection, target.nodeId))
      .pipe(
        Effect.mapError((it) => refuse(target, it._tag === "HandshakeFailed" ? "handshake" : "transport", it.reason))
      )
    if (established.contact.key !== key) return yield* refuse(target, "handshake", "wrong peer")
    return { connection, established }
  })

  /** Dials and then serves the session to its end, in one fiber and one scope. */
  const pursue = (target: DialTarget, key: string, name: string, wait: Wait): Effect.Effect<void> =>
    establish(target, key).pipe(
      Effect.tapError(() => backOff.failed(name, now())),
      Effect.matchEffect({
        onFailure: (failure) =>
          Effect.sync(() => {
            if (underway.get(name) === wait) underway.delete(name)
            Deferred.doneUnsafe(wait, Effect.fail(failure))
          }),
        onSuccess: ({ connection, established }) => options.serve(connection, established)
      }),
      // Interrupted, when the manager closes: nobody may be left waiting. Mostly it is a session's end, and nobody waits.
      Effect.onInterrupt(() =>
        Effect.sync(() => {
          if (underway.get(name) === wait) underway.delete(name)
          if (!Deferred.isDoneUnsafe(wait)) Deferred.doneUnsafe(wait, refuse(target, "session", "closed here"))
        })
      ),
      Effect.scoped
    )

  const connect = (target: DialTarget): Effect.Effect<Session, ConnectFailed> =>
    Effect.suspend(() => {
      const key = keyOf(target.nodeId)
      const open = find(key)
      if (open !== undefined) return Effect.succeed(open)
      if (key === self().key) return refuse(target, "address", "own node")
      const name = nameOf(target, key)
      const joined = underway.get(name)
      if (joined !== undefined) return Deferred.await(joined)
      if (isBanned(key)) return refuse(target, "session", "banned")
      if (backOff.remaining(name, now()) > 0) return refuse(target, "session", "failed a moment ago")
      if (underway.size >= DIAL_LIMIT) return refuse(target, "session", "too many dials at one time")
      const wait: Wait = Deferred.makeUnsafe()
      underway.set(name, wait)
      const fiber = options.run(pursue(target, key, name, wait))
      if (target.hearsay !== true) return Deferred.await(wait)
      const isOver = () => Deferred.isDoneUnsafe(wait)
      return Effect.onInterrupt(Deferred.await(wait), () => (isOver() ? Effect.void : Fiber.interrupt(fiber)))
    })

  return { arrived, connect, underway: () => underway.size, backingOff: () => backOff.size }
}

/** What a dial and its back-off are known by: the peer, and where only a stranger says that it is there, the place too. */
const nameOf = ({ addresses, hearsay }: DialTarget, key: string): string =>
  hearsay === true ? `${key}${addresses.map(({ text }) => text).join(" ")}` : key
