/** The tempo of shared documents. None of it runs while no document is open. */
import { Context, Duration, Schedule } from "effect"

/** How long an operation waits for what it builds upon. */
export const EarlyFor = Context.Reference<Duration.Duration>("allium/services/crdt/EarlyFor", {
  defaultValue: () => Duration.minutes(10)
})

/** How often an open document is compared with that of a peer, for what nobody pushed or what was lost on the way. */
export const ComparePace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/crdt/ComparePace", {
  defaultValue: () => Schedule.jittered(Schedule.spaced("20 seconds"))
})

/** After a session opened: its far end tells of its topics first. Then documents are compared at once. */
export const CompareSoon = Context.Reference<Duration.Duration>("allium/services/crdt/CompareSoon", {
  defaultValue: () => Duration.millis(150)
})

/** How often it is looked for others who have the document open, and this node announced as one of them. */
export const SearchPeersPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/crdt/SearchPeersPace", {
  defaultValue: () =>
    Schedule.jittered(Schedule.min([Schedule.exponential("10 seconds"), Schedule.spaced("10 minutes")]))
})
