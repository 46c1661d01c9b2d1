/** The tempo of onion cells and of the envelopes that they carry. */
import { Context, Duration, Schedule } from "effect"
import { KEY_LIFETIME } from "#core/onion/OnionKeys"

/** A fresh onion key; the one before it is tried for two hours more (WIRE §4). */
export const OnionKeyPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/onion/OnionKeyPace", {
  defaultValue: () => Schedule.spaced(Duration.seconds(KEY_LIFETIME))
})

/** Forgets the cells whose minute is over, while any are remembered and none come that would do it. */
export const ReplaySweepPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/onion/ReplaySweepPace", {
  defaultValue: () => Schedule.spaced("1 minute")
})

/**
 * How long a try waits for its ACK or answer before another route is taken: as `RequestTimeout`, from what other tries
 * took; the delays of mixing come on top.
 */
export const OnionAckDeadline = Context.Reference<{
  readonly initial: Duration.Duration
  readonly minimum: Duration.Duration
  readonly maximum: Duration.Duration
}>("allium/services/onion/OnionAckDeadline", {
  defaultValue: () => ({
    initial: Duration.seconds(4),
    minimum: Duration.seconds(1),
    maximum: Duration.seconds(10)
  })
})

/** Tries after the first, each by another route, until ten minutes are over (WIRE §4). */
export const OnionSendAgain = Context.Reference<Schedule.Schedule<unknown>>("allium/services/onion/OnionSendAgain", {
  defaultValue: () =>
    Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("2 seconds")]).pipe(
      Schedule.jittered,
      Schedule.upTo({ duration: "10 minutes" })
    )
})

/** Forgets envelopes of which parts are missing, and questions and answers that are over, while there are any. */
export const UnfinishedSweepPace = Context.Reference<Duration.Duration>("allium/services/onion/UnfinishedSweepPace", {
  defaultValue: () => Duration.minutes(1)
})
