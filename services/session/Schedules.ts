/** The tempo of sessions. */
import { Context, Duration, Schedule } from "effect"

/** From the accepted (or dialled) connection to the end of the handshake. */
export const HandshakeDeadline = Context.Reference<Duration.Duration>("allium/services/session/HandshakeDeadline", {
  defaultValue: () => Duration.seconds(10)
})

/** One sweep serves all sessions: heartbeats, idleness, draining, bans, the own record. */
export const SweepPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/session/SweepPace", {
  defaultValue: () => Schedule.spaced("1 second")
})

/** A session that was silent for so long is asked for a sign of life (WIRE.md §2), and again after as long. */
export const HeartbeatAfter = Context.Reference<Duration.Duration>("allium/services/session/HeartbeatAfter", {
  defaultValue: () => Duration.seconds(15)
})

/** A session that carried nothing but heartbeats for so long is given up, unless the peer is of use. */
export const IdleAfter = Context.Reference<Duration.Duration>("allium/services/session/IdleAfter", {
  defaultValue: () => Duration.minutes(5)
})

/** What is in flight on a replaced session may finish within this (WIRE.md §3). */
export const DrainFor = Context.Reference<Duration.Duration>("allium/services/session/DrainFor", {
  defaultValue: () => Duration.seconds(10)
})

/** The age at which a sending key is exchanged, whatever it sealed (WIRE.md §3). */
export const RekeyAfter = Context.Reference<Duration.Duration>("allium/services/session/RekeyAfter", {
  defaultValue: () => Duration.hours(1)
})

export const BanDuration = Context.Reference<Duration.Duration>("allium/services/session/BanDuration", {
  defaultValue: () => Duration.minutes(30)
})

/** How long the own PeerRecord is valid; it is signed anew at half of that. Stale addresses die with it. */
export const RecordLifetime = Context.Reference<Duration.Duration>("allium/services/session/RecordLifetime", {
  defaultValue: () => Duration.hours(24)
})
