/**
 * The way of a cell to its next hop: over the session that is open, else one that is dialled for it within what its own
 * session may have dialled. Cells for a hop that is being dialled wait for it, within limits.
 */
import { Clock, Effect, FiberMap, Option } from "effect"
import type { CellAllowance } from "#core/onion/CellAllowance"
import { WaitingCells } from "#core/onion/WaitingCells"
import { keyOf } from "#schemas/bytes/bytes"
import type { NextHopFields } from "#schemas/onion/OnionHeader"
import { FrameType } from "#schemas/session/Frame"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { DIALLED_HOPS, WAITING_BYTES_OF_HOP } from "#services/onion/Limits"
import type { CellDropped } from "#services/onion/OnionCells"
import { type DialTarget, type Session, SessionManager } from "#services/session/SessionManager"
import type { CellTally } from "./CellTally.ts"
import { type PlaceOptions, placeKey, placeNamed } from "./places.ts"

/** A cell that goes on, and whoever is charged for what it takes. */
export interface Onward {
  readonly next: NextHopFields
  readonly cell: Uint8Array
  readonly from: CellAllowance
  /** This node's own, which is not counted among those that it relays. */
  readonly own: boolean
}

export interface Onwards {
  /** Sends it, or has it wait for a dial; else why not, and then it is gone. */
  readonly pass: (onward: Onward) => CellDropped | undefined
  readonly places: PlaceOptions
  readonly waiting: WaitingCells
}

export const makeOnwards = Effect.fnUntraced(function* (tally: CellTally) {
  const [sessions, clock, book] = [yield* SessionManager, yield* Clock.Clock, yield* KnownPeers]
  const dials = yield* FiberMap.make<string, void>()
  const run = yield* FiberMap.runtime(dials)()
  const places: PlaceOptions = { local: (yield* Identity).local, find: (key) => book.findNode(key) }
  const waiting = new WaitingCells({ hops: DIALLED_HOPS, bytesOfHop: WAITING_BYTES_OF_HOP })

  const offer = (session: Session, cell: Uint8Array, own: boolean): CellDropped | undefined => {
    if (!session.offer(FrameType.ONION, cell)) return "no room"
    tally.took(own ? "sent" : "forwarded")
    return undefined
  }

  const failed = (place: string): void => {
    tally.dialled("failed")
    for (const _ of waiting.take(place)) tally.dropped("unreachable")
  }

  const giveUp = (place: string): void => {
    failed(place)
    Option.getOrUndefined(FiberMap.getUnsafe(dials, place))?.interruptUnsafe()
  }

  /** Noise proves who is there before the session is handed out, so no cell leaves before that. */
  const dial = (target: DialTarget, place: string): Effect.Effect<void> =>
    Effect.match(sessions.connect(target), {
      onFailure: () => failed(place),
      onSuccess: (session) => {
        tally.dialled("open")
        for (const cell of waiting.take(place)) {
          const refusal = offer(session, cell, false)
          if (refusal !== undefined) tally.dropped(refusal)
        }
      }
    })

  const pass: Onwards["pass"] = ({ cell, from, next, own }) => {
    const session = sessions.find(keyOf(next.nodeId))
    if (session !== undefined) return offer(session, cell, own)
    if (own) return "unreachable" // it was there when the cell was handed over, and whoever sent it will see
    const place = placeKey(next)
    if (waiting.has(place)) return waiting.add(place, cell) ? undefined : "waiting"
    const target = placeNamed(places, next)
    if (typeof target === "string") return target
    if (!from.mayDial(clock.currentTimeMillisUnsafe())) {
      tally.dialled("refused")
      return "dial budget"
    }
    const oldest = waiting.tooMany()
    if (oldest !== undefined) giveUp(oldest)
    waiting.begin(place)
    waiting.add(place, cell)
    run(place, dial(target, place))
    return undefined
  }

  return { pass, places, waiting } satisfies Onwards
})
