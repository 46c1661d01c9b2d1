/** From "I want a session with this peer" to the one session: joins, refuses, dials, and remembers failures. */
import { Deferred, Effect, Result, type Schedule } from "effect"
import type { Contact } from "#core/identity/Contact"
import { keyOf } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { BACK_OFF_LIMIT, DIAL_LIMIT } from "#services/session/Limits"
import { ConnectFailed, type DialTarget, type Session } from "#services/session/SessionManager"
import type { Connection, GiveUp } from "#services/transport/Transport"
import type { TransportManager } from "#services/transport/TransportManager"
import { DialBackOff } from "./DialBackOff.ts"
import type { Established, Handshake, Handshaker } from "./Handshaker.ts"
import type { Link } from "./Link.ts"
import type { Failure, Shaking } from "./shaking.ts"

/** A dial and handshake under way, and whoever waits for what comes of it. */
interface Pursuit {
  readonly target: DialTarget
  readonly session: Deferred.Deferred<Session, ConnectFailed>
  stop: GiveUp
}

export interface DiallerOptions {
  readonly transports: TransportManager["Service"]
  readonly handshaker: Handshaker
  readonly self: () => Contact
  readonly local: boolean
  readonly again: Schedule.Schedule<unknown>
  readonly now: () => number
  readonly isBanned: (key: string) => boolean
  readonly find: (key: string) => Session | undefined
  /** Goes through a handshake within its deadline, and counts how it failed; the connection is then closed. */
  readonly shake: (
    connection: Connection,
    handshake: Handshake<Established>,
    done: (outcome: Established | Failure, rest: ReadonlyArray<Uint8Array>) => void
  ) => Shaking<Established>
  /** Opens the session. */
  readonly serve: (connection: Connection, established: Established, rest: ReadonlyArray<Uint8Array>) => void
  readonly run: (effect: Effect.Effect<void>) => void
}

export const makeDialler = (options: DiallerOptions) => {
  const { find, isBanned, now, self } = options
  const backOff = new DialBackOff(options.again, BACK_OFF_LIMIT)
  /** By `nameOf`. */
  const underway = new Map<string, Pursuit>()

  /** Whoever waits for this peer has it, whichever side dialled and at whatever address. */
  const arrived = (link: Link): void => {
    const key = link.contact.key
    backOff.succeeded(key)
    for (const [name, { session }] of underway) {
      if (!name.startsWith(key)) continue
      underway.delete(name)
      backOff.succeeded(name)
      Deferred.doneUnsafe(session, Effect.succeed(find(key) ?? link))
    }
  }

  const over = (name: string, pursuit: Pursuit): void => {
    if (underway.get(name) === pursuit) underway.delete(name)
  }

  const failed = (name: string, pursuit: Pursuit, failure: ConnectFailed): void => {
    pursuit.stop = nothing
    if (Deferred.isDoneUnsafe(pursuit.session)) {
      over(name, pursuit)
      return
    }
    options.run(
      Effect.map(backOff.failed(name, now()), () => {
        over(name, pursuit)
        Deferred.doneUnsafe(pursuit.session, Effect.fail(failure))
      })
    )
  }

  /** Nobody may be left waiting. */
  const abandon = (name: string, pursuit: Pursuit): void => {
    over(name, pursuit)
    Deferred.doneUnsafe(pursuit.session, refuse(pursuit.target, "session", "closed here"))
    pursuit.stop()
  }

  /** Dials, shakes hands and opens the session, without a fiber. */
  const pursue = (key: string, name: string, pursuit: Pursuit): void => {
    const { target } = pursuit
    const trusted = target.trusted === true || options.local
    let isDialled = false
    const stop = options.transports.dial(target.addresses, { trusted }, (dialled) => {
      isDialled = true
      if (Result.isFailure(dialled)) {
        const { reason } = dialled.failure
        return failed(name, pursuit, refuse(target, reason === "no address" ? "address" : "transport", reason))
      }
      const connection = dialled.success
      const handshake = options.handshaker.dial(target.nodeId, connection.address)
      const shaking = options.shake(connection, handshake, (outcome, rest) => {
        pursuit.stop = nothing
        if (typeof outcome !== "string" && outcome.contact.key === key) options.serve(connection, outcome, rest)
        else {
          connection.abort()
          const reason = typeof outcome === "string" ? outcome : "wrong peer"
          failed(name, pursuit, refuse(target, LOST.has(reason) ? "transport" : "handshake", reason))
        }
      })
      pursuit.stop = () => shaking.fail("closed here")
    })
    if (!isDialled) pursuit.stop = stop
  }

  const connect = (target: DialTarget): Effect.Effect<Session, ConnectFailed> =>
    Effect.suspend(() => {
      const key = keyOf(target.nodeId)
      const open = find(key)
      if (open !== undefined) return Effect.succeed(open)
      if (key === self().key) return refuse(target, "address", "own node")
      const name = nameOf(target, key)
      const joined = underway.get(name)
      if (joined !== undefined) return Deferred.await(joined.session)
      if (isBanned(key)) return refuse(target, "session", "banned")
      if (backOff.remaining(name, now()) > 0) return refuse(target, "session", "failed a moment ago")
      if (underway.size >= DIAL_LIMIT) return refuse(target, "session", "too many dials at one time")
      const pursuit: Pursuit = { target, session: Deferred.makeUnsafe(), stop: nothing }
      underway.set(name, pursuit)
      pursue(key, name, pursuit)
      const session = Deferred.await(pursuit.session)
      if (target.hearsay !== true) return session
      return Effect.onInterrupt(session, () =>
        Effect.sync(() => {
          if (!Deferred.isDoneUnsafe(pursuit.session)) abandon(name, pursuit)
        })
      )
    })

  return {
    arrived,
    connect,
    /** Gives up what is under way. */
    close: () => {
      for (const [name, pursuit] of underway) abandon(name, pursuit)
    },
    underway: () => underway.size,
    backingOff: () => backOff.size
  }
}

const nothing: GiveUp = () => {}

/** Ends of the connection itself, which are no fault of what was said. */
const LOST: ReadonlySet<string> = new Set<Failure>([
  "ended",
  "reset",
  "closed here",
  "malformed frame",
  "oversize frame"
])

const refuse = (target: DialTarget, layer: ConnectFailed["layer"], reason: string) =>
  new ConnectFailed({ peer: nodeIdShort(target.nodeId), layer, reason })

/** What a dial and its back-off are known by: the peer, and where only a stranger says that it is there, the place too. */
const nameOf = ({ addresses, hearsay }: DialTarget, key: string): string =>
  hearsay === true ? `${key}${addresses.map(({ text }) => text).join(" ")}` : key
