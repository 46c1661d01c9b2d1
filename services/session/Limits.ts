/** How much of this node strangers can have through sessions, and what misbehaviour costs them. */
import type { Offence } from "./SessionManager.ts"

/** Accepted connections whose handshake is not done, in all and from one IP address. */
export const HALF_OPEN_LIMIT = 256
export const HALF_OPEN_PER_IP = 16

/** Sessions; the least useful one makes room. At 10 KiB each they stay below 10 MiB. */
export const SESSION_LIMIT = 1024

/** Peers being dialled at one time. */
export const DIAL_LIMIT = 256

/** Peers whose last dial failed, remembered for their back-off. */
export const BACK_OFF_LIMIT = 4096

/** Bytes that wait in a session before `offer` refuses: 16 rows. */
export const SEND_QUEUE = 1024 * 1024

/** Heartbeats without any answer after which a session is dead. */
export const MISSED_HEARTBEATS = 3

/** Frames after which a sending key is exchanged, and after which a receiver no longer waits for that (WIRE.md §3). */
export const REKEY_FRAMES = 2 ** 16
export const REKEY_OVERDUE = 2 ** 17

/**
 * What one peer may send. Too many bytes are held back by not reading on; too many frames, which cost work whatever
 * their size, end the session. On the open network: half a gigabit a second and more small requests than an honest
 * peer can have in flight. A local network is one's own: the limit is only there to be one.
 */
export const OPEN_RATES = {
  bytes: { perSecond: 64 * 1024 * 1024, burst: 128 * 1024 * 1024 },
  frames: { perSecond: 50_000, burst: 200_000 }
} as const
export const LOCAL_RATES = {
  bytes: { perSecond: 4 * 1024 * 1024 * 1024, burst: 4 * 1024 * 1024 * 1024 },
  frames: { perSecond: 4_000_000, burst: 8_000_000 }
} as const

/** What a peer may owe before it is banned, and what is forgiven a minute. */
export const REPUTATION_BOTTOM = 100
export const FORGIVEN_PER_MINUTE = 10
export const REPUTATION_LIMIT = 4096

export const PRICES: Record<Offence, number> = {
  malformed: 25,
  flooding: 50,
  "bad record": 20,
  // A disk may have failed: it costs less than what can only be meant.
  "broken promise": 10,
  "useless answer": 5,
  timeout: 2
}

/** Status changes that a slow subscriber may be behind; then it misses the oldest. */
export const EVENT_BUFFER = 256
