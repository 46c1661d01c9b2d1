/**
 * OnionCells over the sessions that there are. A cell is peeled as it comes, in plain functions; what is bad is dropped
 * in silence and makes its session slower, and never worse than that, since a neighbour cannot see what it brings.
 */
import { Clock, Effect, Layer } from "effect"
import { CellAllowance } from "#core/onion/CellAllowance"
import { type Peeled, peel } from "#core/onion/peel"
import { keyOf } from "#schemas/bytes/bytes"
import { ONION_RELAY } from "#schemas/identity/PeerRecord"
import { classOf } from "#schemas/onion/OnionCell"
import { FrameType } from "#schemas/session/Frame"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { BAD_CELL_COST, CELL_COSTS, LOCAL_CELLS, OPEN_CELLS, SESSION_DIALS } from "#services/onion/Limits"
import { type CellDropped, type CellReceiver, OnionCells } from "#services/onion/OnionCells"
import { type Session, SessionManager } from "#services/session/SessionManager"
import { CellTally } from "./CellTally.ts"
import { makeHolding } from "./holding.ts"
import { makeEphemerals, makeReplays, rotateKeys } from "./keeping.ts"
import { makeOnwards } from "./onward.ts"
import { makeSending } from "./sending.ts"
import { watchCells } from "./watchingCells.ts"

/** What is no fault of the cell: this node has no room, or its time has come. The others are bad. */
const INNOCENT: ReadonlySet<CellDropped> = new Set<CellDropped>([
  "nowhere",
  "full",
  "dial budget",
  "waiting",
  "unreachable",
  "no room",
  "held",
  "unwanted"
])

export const make = Effect.gen(function* () {
  const [sessions, suite, identity] = [yield* SessionManager, yield* Crypto, yield* Identity]
  const [clock, tally] = [yield* Clock.Clock, new CellTally(yield* Effect.context<never>())]
  const rates = identity.local ? LOCAL_CELLS : OPEN_CELLS
  const allowances = new Map<Session, CellAllowance>()
  let receiver: CellReceiver | undefined

  yield* rotateKeys
  const [replays, ephemerals] = [yield* makeReplays, yield* makeEphemerals]
  const onwards = yield* makeOnwards(tally)
  const holding = yield* makeHolding(onwards, tally)
  const sending = yield* makeSending(onwards, holding, tally)
  yield* watchCells({
    replays: replays.set,
    held: holding.queue,
    waiting: onwards.waiting,
    reaching: sending.reaching,
    ephemerals,
    allowances
  })

  const isRelay = () => (sessions.self().record.capabilities & ONION_RELAY) !== 0

  const forward = (
    { cell, delay, next }: Extract<Peeled, { readonly _tag: "Forward" }>,
    from: CellAllowance
  ): CellDropped | undefined => {
    if (!isRelay()) return "not a relay"
    if (keyOf(next.nodeId) === sessions.self().key) return "loop"
    const onward = { next, cell, from, own: false }
    if (!holding.holds(delay)) return onwards.pass(onward)
    return holding.hold(onward, delay) ? undefined : "held"
  }

  /** What is for this node; or why it goes no further. */
  const arrive = (peeled: Peeled, from: CellAllowance): CellDropped | undefined => {
    if (peeled._tag === "Drop") return peeled.reason
    if (peeled._tag === "Forward") return forward(peeled, from)
    if (peeled._tag === "Hand" && !isRelay()) return "not a relay"
    if (receiver === undefined) return "unwanted"
    if (peeled._tag === "Deliver") {
      tally.took("delivered")
      receiver.onDeliver(peeled)
    } else if (peeled._tag === "Hand") {
      tally.took("handed")
      receiver.onHand(peeled)
    } else {
      tally.took("answered")
      receiver.onReply(peeled)
    }
    return undefined
  }

  const allowanceOf = (session: Session, now: number): CellAllowance => {
    const known = allowances.get(session)
    if (known !== undefined) return known
    const fresh = new CellAllowance(rates, SESSION_DIALS, now)
    allowances.set(session, fresh)
    return fresh
  }

  yield* sessions.onFrame(FrameType.ONION, (session, cell) => {
    const now = clock.currentTimeMillisUnsafe()
    const from = allowanceOf(session, now)
    if (!from.mayBring(now)) {
      tally.dropped("throttled")
      return true
    }
    const seconds = now / 1_000
    const peeler = { keys: identity.onionKeys.usable(seconds), replays: replays.set }
    const refusal = arrive(peel(suite, peeler, cell, seconds), from)
    const cost = CELL_COSTS[classOf(cell.length) ?? 0]
    from.brought(refusal === undefined || INNOCENT.has(refusal) ? cost : Math.max(cost, BAD_CELL_COST), now)
    if (replays.set.size > 0) replays.entered()
    if (refusal !== undefined) tally.dropped(refusal)
    return true
  })
  yield* sessions.onClose((session) => void allowances.delete(session))

  return OnionCells.of({
    ...sending,
    ephemerals,
    receive: (it) =>
      Effect.suspend(() => {
        if (receiver !== undefined) return Effect.die(new Error("there is a receiver of cells already"))
        receiver = it
        return Effect.void
      }),
    stats: () => tally.stats()
  })
})

export const layer = Layer.effect(OnionCells, make)
