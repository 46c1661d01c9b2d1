/** What all sessions of one manager share, as its sessions see it. */
import type { Rate } from "#core/session/TokenBucket"
import type { CloseReason, Offence, Session } from "#services/session/SessionManager"
import type { Connection } from "#services/transport/Transport"
import type { Link } from "./Link.ts"

export type FrameHandler = (session: Session, payload: Uint8Array) => boolean

export interface Shared {
  readonly now: () => number
  /** Eight bytes for a heartbeat. */
  readonly token: () => Uint8Array
  readonly rates: { readonly bytes: Rate; readonly frames: Rate }
  /** Milliseconds. */
  readonly rekeyAfter: number
  /** By frame type. */
  readonly handlers: Array<FrameHandler | undefined>
  /** Calls `link.flush()` when this tick's work is done. */
  readonly flushSoon: (link: Link) => void
  readonly whenDrained: (connection: Connection, then: () => void) => void
  /** Calls `then` after so many milliseconds. */
  readonly after: (wait: number, then: () => void) => void
  /** A mistake of ours: the session ends, the node goes on. */
  readonly onDefect: (defect: unknown) => void
  readonly charge: (key: string, offence: Offence) => void
  readonly onEnd: (link: Link, reason: CloseReason) => void
}
