/** Tells how full the collections of a session manager are. */
import { Effect } from "effect"
import type { HalfOpen } from "#core/session/HalfOpen"
import type { Reputation } from "#core/session/Reputation"
import { Bounds } from "#services/node/Bounds"
import {
  BACK_OFF_LIMIT,
  DIAL_LIMIT,
  HALF_OPEN_LIMIT,
  HALF_OPEN_PER_IP,
  REPUTATION_LIMIT,
  SEND_QUEUE
} from "#services/session/Limits"
import type { makeDialler } from "./dialling.ts"
import type { SessionTable } from "./SessionTable.ts"

export interface Watched {
  readonly table: SessionTable
  readonly limit: number
  readonly halfOpen: HalfOpen
  readonly dialling: HalfOpen
  readonly dialler: ReturnType<typeof makeDialler>
  readonly reputation: Reputation
  readonly local: boolean
}

export const watchSessions = Effect.fnUntraced(function* (watched: Watched) {
  const { dialler, dialling, halfOpen, limit, local, reputation, table } = watched
  const bounds = yield* Bounds
  yield* bounds.watch("sessions", limit, () => table.all.size)
  yield* bounds.watch("bytes to be sent in a session", SEND_QUEUE, () => {
    let most = 0
    for (const link of table.all) most = Math.max(most, link.queuedBytes)
    return most
  })
  yield* bounds.watch("half-open connections", HALF_OPEN_LIMIT, () => halfOpen.size)
  // On a local network all come from one host.
  if (!local) yield* bounds.watch("half-open connections of a host", HALF_OPEN_PER_IP, () => halfOpen.mostOfHost())
  yield* bounds.watch("dialled handshakes", DIAL_LIMIT, () => dialling.size)
  yield* bounds.watch("dials", DIAL_LIMIT, dialler.underway)
  yield* bounds.watch("peers in back-off", BACK_OFF_LIMIT, dialler.backingOff)
  yield* bounds.watch("charged peers", REPUTATION_LIMIT, () => reputation.charged)
  yield* bounds.watch("banned peers", REPUTATION_LIMIT, () => reputation.bans)
})
