/**
 * OnionCells of a simulated node: those of production, over sessions that the world looks at whenever a cell is given to
 * one. There cells are counted and lost for a test; a node that does not keep the protocol does what it likes with them.
 */
import { Effect, Layer, type Scope } from "effect"
import * as RelayedCells from "#layers/onion/RelayedCells"
import { FrameType } from "#schemas/session/Frame"
import type { SecureRandom } from "#services/identity/SecureRandom"
import { type Session, SessionManager } from "#services/session/SessionManager"

/** Gives a cell to the session that it is for; false where there is no room. */
export type Give = (cell: Uint8Array) => boolean

/** What a node does with a cell that it is about to give to a session; answers what it makes its own layers believe. */
export type Carrier = (cell: Uint8Array, give: Give) => boolean

export type MakeCarrier = Effect.Effect<Carrier, never, SecureRandom | Scope.Scope>

/** What the world wants with cells; `to` is the key of the contact at the other end. */
export interface CellWatch {
  /** Hears of every cell that was given to a session. */
  readonly onCell: (to: string, cell: Uint8Array) => void
  /** Whether this one shall not arrive, and nobody notices. */
  readonly isLost: (to: string, cell: Uint8Array) => boolean
}

const honest: MakeCarrier = Effect.succeed((cell, give) => give(cell))

export const cellsOf = ({ isLost, onCell }: CellWatch, carrier = honest) =>
  RelayedCells.layer.pipe(
    Layer.provide(
      Layer.effect(
        SessionManager,
        Effect.gen(function* () {
          const [sessions, carry] = [yield* SessionManager, yield* carrier]
          const known = new WeakMap<Session, Session>()

          const watched = (session: Session): Session => {
            const before = known.get(session)
            if (before !== undefined) return before
            const { key } = session.contact
            const give: Give = (cell) => {
              if (isLost(key, cell)) return true
              if (!session.offer(FrameType.ONION, cell)) return false
              onCell(key, cell)
              return true
            }
            const around = new WatchedSession(session, (cell) => carry(cell, give))
            known.set(session, around)
            return around
          }

          return SessionManager.of({
            ...sessions,
            connect: (target) => Effect.map(sessions.connect(target), watched),
            find: (key) => {
              const session = sessions.find(key)
              return session === undefined ? undefined : watched(session)
            }
          })
        })
      )
    )
  )

/** A session of which only cells take another way. */
class WatchedSession implements Session {
  readonly #session: Session
  readonly #offerCell: Give

  constructor(session: Session, offerCell: Give) {
    this.#session = session
    this.#offerCell = offerCell
  }

  get contact() {
    return this.#session.contact
  }

  get hello() {
    return this.#session.hello
  }

  get dialled() {
    return this.#session.dialled
  }

  get address() {
    return this.#session.address
  }

  get since() {
    return this.#session.since
  }

  get closed() {
    return this.#session.closed
  }

  isOpen(): boolean {
    return this.#session.isOpen()
  }

  takesRequests(): boolean {
    return this.#session.takesRequests()
  }

  offer(type: FrameType, payload: Uint8Array): boolean {
    return type === FrameType.ONION ? this.#offerCell(payload) : this.#session.offer(type, payload)
  }

  send(type: FrameType, payload: Uint8Array) {
    return this.#session.send(type, payload)
  }

  close(reason: Parameters<Session["close"]>[0]) {
    return this.#session.close(reason)
  }
}
