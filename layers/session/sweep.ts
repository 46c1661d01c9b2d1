/** The one fiber that looks after all sessions of a manager: no session has a timer of its own. */
import { Duration, Effect } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { Reputation } from "#core/session/Reputation"
import { MISSED_HEARTBEATS } from "#services/session/Limits"
import { HeartbeatAfter, IdleAfter, SweepPace } from "#services/session/Schedules"
import type { Link } from "./Link.ts"
import type { OwnRecord } from "./OwnRecord.ts"
import type { SessionTable } from "./SessionTable.ts"

export interface SweepOptions {
  readonly table: SessionTable
  readonly own: OwnRecord
  readonly reputation: Reputation
  readonly useful: (contact: Contact) => boolean
  readonly now: () => number
  /** Drops the handshakes that take too long. */
  readonly handshakes: (at: number) => void
  /** The own record shows another onion key. */
  readonly onKey: () => void
}

export const makeSweep = Effect.fnUntraced(function* ({
  handshakes,
  now,
  onKey,
  own,
  reputation,
  table,
  useful
}: SweepOptions) {
  const heartbeatAfter = Duration.toMillis(yield* HeartbeatAfter)
  const idleAfter = Duration.toMillis(yield* IdleAfter)

  const judge = (link: Link, at: number): void => {
    if (link.drainUntil !== undefined && at >= link.drainUntil) link.leave("replaced", "replaced")
    else if (at - link.lastUsed >= idleAfter && !useful(link.contact)) link.leave("idle", "idle")
    else if (at - Math.max(link.lastHeard, link.lastPing) >= heartbeatAfter) {
      if (link.missed >= MISSED_HEARTBEATS) link.end("silent")
      else link.ping(at)
    }
  }

  const sweep = Effect.sync(() => {
    const at = now()
    // Who leaves meanwhile is out of the set, which goes on behind him.
    for (const link of table.all) judge(link, at)
    handshakes(at)
    reputation.sweep(at)
    if (own.sweep(at)) onKey()
  })
  yield* sweep.pipe(Effect.schedule(yield* SweepPace), Effect.forkScoped)
})
