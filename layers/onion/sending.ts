/** This node's own cells, and sessions to peers that cells name. */
import { Clock, Effect } from "effect"
import type { Outgoing } from "#core/onion/buildRequest"
import { CellAllowance } from "#core/onion/CellAllowance"
import { keyOf } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import type { NextHopFields } from "#schemas/onion/OnionHeader"
import { FrameType } from "#schemas/session/Frame"
import { ANSWER_DIALS, DIALLED_HOPS } from "#services/onion/Limits"
import { CellNotSent, type OnionCells } from "#services/onion/OnionCells"
import { type DialTarget, type Session, SessionManager } from "#services/session/SessionManager"
import type { CellTally } from "./CellTally.ts"
import type { Holding } from "./holding.ts"
import type { Onwards } from "./onward.ts"
import { placeAnswered, placeChosen, placeNamed } from "./places.ts"

export interface Sending extends Pick<OnionCells["Service"], "send" | "answer" | "reach"> {
  /** Peers that are being dialled for answers. */
  readonly reaching: () => number
}

const UNLIMITED = { perSecond: Number.MAX_SAFE_INTEGER, burst: Number.MAX_SAFE_INTEGER }

export const makeSending = Effect.fnUntraced(function* ({ places }: Onwards, holding: Holding, tally: CellTally) {
  const [sessions, clock] = [yield* SessionManager, yield* Clock.Clock]
  const own = new CellAllowance(UNLIMITED, ANSWER_DIALS, clock.currentTimeMillisUnsafe())
  let reaching = 0

  const notSent = ({ nodeId }: NextHopFields, layer: CellNotSent["layer"], reason: string) =>
    new CellNotSent({ peer: nodeIdShort(nodeId), layer, reason })

  /** Without a place it is not even tried: what fails is not tried again for a while. */
  const connect = (target: DialTarget): Effect.Effect<Session, CellNotSent> =>
    target.addresses.length === 0
      ? notSent(target, "address", "no address")
      : Effect.mapError(sessions.connect(target), ({ layer, reason }) => notSent(target, layer, reason))

  /** On a stranger's word, within the budget of all of them. */
  const dial = (target: DialTarget): Effect.Effect<Session, CellNotSent> =>
    Effect.suspend(() => {
      if (reaching >= DIALLED_HOPS || !own.mayDial(clock.currentTimeMillisUnsafe())) {
        tally.dialled("refused")
        return notSent(target, "session", "too many dials for strangers")
      }
      reaching++
      return connect(target).pipe(
        Effect.tap(() => Effect.sync(() => tally.dialled("open"))),
        Effect.tapError(() => Effect.sync(() => tally.dialled("failed"))),
        Effect.ensuring(Effect.sync(() => void reaching--))
      )
    })

  const opened = (next: NextHopFields, otherwise: () => Effect.Effect<Session, CellNotSent>) =>
    Effect.suspend(() => {
      const session = sessions.find(keyOf(next.nodeId))
      return session === undefined ? otherwise() : Effect.succeed(session)
    })

  const reachAt = (next: NextHopFields, placeOf: typeof placeNamed) =>
    opened(next, () => {
      const place = placeOf(places, next)
      return typeof place === "string" ? notSent(next, "address", place) : dial(place)
    })

  /** With what is relayed where that is collected, or its leaving alone would tell whose it is. */
  const hand = ({ cell, to }: Outgoing, session: Session): Effect.Effect<void, CellNotSent> =>
    Effect.suspend(() => {
      if (holding.holds(0)) {
        const isHeld = holding.hold({ next: to, cell, from: own, own: true }, 0)
        return isHeld ? Effect.void : notSent(to, "session", "too many cells are held back")
      }
      if (!session.offer(FrameType.ONION, cell)) return notSent(to, "session", "no room")
      tally.took("sent")
      return Effect.void
    })

  return {
    send: (outgoing) =>
      Effect.flatMap(
        opened(outgoing.to, () => connect(placeChosen(places, outgoing.to))),
        (session) => hand(outgoing, session)
      ),
    answer: (outgoing) => Effect.flatMap(reachAt(outgoing.to, placeAnswered), (session) => hand(outgoing, session)),
    reach: (next) => reachAt(next, placeNamed),
    reaching: () => reaching
  } satisfies Sending
})
