/** The tempo of dialling. Each one is a reference, so that a network's composition, or a test, says otherwise. */
import { Context, Duration, Schedule } from "effect"

/** Between the starts of two addresses of one peer: "connection attempt delay" of RFC 8305, section 5. */
export const RaceStagger = Context.Reference<Duration.Duration>("allium/services/transport/RaceStagger", {
  defaultValue: () => Duration.millis(250)
})

/** For a whole dial, all addresses together. A lost SYN is repeated after 1 and 3 seconds (RFC 6298). */
export const DialDeadline = Context.Reference<Duration.Duration>("allium/services/transport/DialDeadline", {
  defaultValue: () => Duration.seconds(10)
})

/** How long a peer that could not be reached is left alone: one second, doubling to five minutes, spread by a fifth. */
export const DialAgain = Context.Reference<Schedule.Schedule<unknown>>("allium/services/transport/DialAgain", {
  defaultValue: () =>
    Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(Schedule.jittered)
})
