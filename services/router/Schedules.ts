/** The tempo of deliveries, and of the paths that some of them take. */
import { Context, Duration, Schedule } from "effect"
import type { SendError } from "./RouterHandle.ts"

/** How long one try waits for the ACK. */
export const AckDeadline = Context.Reference<Duration.Duration>("allium/services/router/AckDeadline", {
  defaultValue: () => Duration.seconds(5)
})

/** How long the answer to a question may take that the peer has. */
export const AnswerDeadline = Context.Reference<Duration.Duration>("allium/services/router/AnswerDeadline", {
  defaultValue: () => Duration.seconds(30)
})

/** Tries after the first: 500 ms, doubling, four of them; only what may have been lost is sent again. */
export const SendAgain = Context.Reference<Schedule.Schedule<unknown, SendError>>("allium/services/router/SendAgain", {
  defaultValue: () =>
    Schedule.exponential("500 millis").pipe(
      Schedule.jittered,
      Schedule.upTo({ times: 4 }),
      Schedule.setInputType<SendError>(),
      Schedule.while(({ input }) => input._tag === "Unacknowledged" || input._tag === "SessionClosed")
    )
})

/** How long a path to a recipient is used, while it is good. */
export const RouteFor = Context.Reference<Duration.Duration>("allium/services/router/RouteFor", {
  defaultValue: () => Duration.minutes(10)
})

/**
 * For how long a relay's record makes paths after the relay itself showed it. The onion key in it may be replaced at
 * once, and is tried for two hours more (WIRE §4); a path and its reply blocks live for twenty minutes.
 */
export const RecordFreshFor = Context.Reference<Duration.Duration>("allium/services/router/RecordFreshFor", {
  defaultValue: () => Duration.minutes(90)
})

/** How long a relay comes last: after a path of which nobody knows where it failed, and where that is known. */
export const SuspectFor = Context.Reference<{ readonly path: Duration.Duration; readonly culprit: Duration.Duration }>(
  "allium/services/router/SuspectFor",
  { defaultValue: () => ({ path: Duration.minutes(1), culprit: Duration.minutes(10) }) }
)

/** How long guards are kept at most; out of reach for how long they are replaced, a stand-in sooner; looked for when. */
export const GuardsFor = Context.Reference<{
  readonly kept: Duration.Duration
  readonly gone: Duration.Duration
  readonly standInGone: Duration.Duration
  readonly again: Duration.Duration
}>("allium/services/router/GuardsFor", {
  defaultValue: () => ({
    kept: Duration.days(28),
    gone: Duration.days(3),
    standInGone: Duration.hours(1),
    again: Duration.minutes(1)
  })
})

/** How long somebody waits for relays to be found. */
export const PrepareWithin = Context.Reference<Duration.Duration>("allium/services/router/PrepareWithin", {
  defaultValue: () => Duration.seconds(8)
})

/** For how long after it was asked for a path a node looks after relays; after that it rests. */
export const NeededFor = Context.Reference<Duration.Duration>("allium/services/router/NeededFor", {
  defaultValue: () => Duration.hours(1)
})

/** Looking around for relays, while paths are needed and relays wanted: soon at first. */
export const SearchPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/router/SearchPace", {
  defaultValue: () => Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("5 minutes")])
})

/** The same while somebody waits for a path. */
export const SearchSoon = Context.Reference<Duration.Duration>("allium/services/router/SearchSoon", {
  defaultValue: () => Duration.millis(500)
})

/** How long the record of somebody who is written to is good for. */
export const RecipientKnownFor = Context.Reference<Duration.Duration>("allium/services/router/RecipientKnownFor", {
  defaultValue: () => Duration.hours(1)
})

/** When relays are met again that had a part in several failures; not at once, or that would show whose path failed. */
export const SearchAfterFailures = Context.Reference<Duration.Duration>("allium/services/router/SearchAfterFailures", {
  defaultValue: () => Duration.seconds(15)
})

/** How long a relay may take to show itself again: one that takes longer is too slow for a path. */
export const ConfirmWithin = Context.Reference<Duration.Duration>("allium/services/router/ConfirmWithin", {
  defaultValue: () => Duration.seconds(4)
})
