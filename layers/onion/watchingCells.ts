/** Tells how full the collections are that cells fill. */
import { Effect } from "effect"
import type { CellAllowance } from "#core/onion/CellAllowance"
import { EPHEMERAL_KEYS_LIMIT, type EphemeralKeys } from "#core/onion/EphemeralKeys"
import type { HoldQueue } from "#core/onion/HoldQueue"
import type { ReplaySet } from "#core/onion/ReplaySet"
import type { WaitingCells } from "#core/onion/WaitingCells"
import { Bounds } from "#services/node/Bounds"
import {
  DIALLED_HOPS,
  HELD_BYTES,
  HELD_BYTES_OF_SESSION,
  PeeledLimit,
  WAITING_BYTES_OF_HOP
} from "#services/onion/Limits"
import { type Session, SessionManager } from "#services/session/SessionManager"

export interface WatchedCells {
  readonly replays: ReplaySet
  readonly held: HoldQueue<unknown>
  readonly waiting: WaitingCells
  readonly reaching: () => number
  readonly ephemerals: EphemeralKeys
  readonly allowances: ReadonlyMap<Session, CellAllowance>
}

export const watchCells = Effect.fnUntraced(function* (watched: WatchedCells) {
  const { allowances, ephemerals, held, reaching, replays, waiting } = watched
  const [bounds, sessions, limit] = [yield* Bounds, yield* SessionManager, yield* PeeledLimit]
  yield* bounds.watch("peeled cells", limit, () => replays.size)
  yield* bounds.watch("peeled answers", Math.floor(limit / 2), () => replays.replies)
  yield* bounds.watch("bytes of cells held back", HELD_BYTES, () => held.bytes)
  yield* bounds.watch("bytes of cells held back of a session", HELD_BYTES_OF_SESSION, () => {
    let most = 0
    for (const allowance of allowances.values()) most = Math.max(most, allowance.held)
    return most
  })
  yield* bounds.watch("next hops being dialled", DIALLED_HOPS, () => waiting.hops)
  yield* bounds.watch("bytes waiting for a next hop", WAITING_BYTES_OF_HOP, () => waiting.mostOfHop())
  yield* bounds.watch("peers dialled for answers", DIALLED_HOPS, reaching)
  yield* bounds.watch("ephemeral keys", EPHEMERAL_KEYS_LIMIT, () => ephemerals.size)
  yield* bounds.watch("peers with cells without a session", 0, () =>
    Math.max(0, allowances.size - sessions.stats().open)
  )
})
