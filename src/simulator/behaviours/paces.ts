/** How often nodes that do not keep the protocol trouble others of themselves. */
import { Context, Schedule } from "effect"

/** Requests of one burst to one peer: with answers of 20 contacts far more than fit into a session's queue. */
export const FloodBurst = Context.Reference<number>("allium/simulator/behaviours/FloodBurst", {
  defaultValue: () => 640
})

/** A burst to a few of the peers. */
export const FloodPace = Context.Reference<Schedule.Schedule<unknown>>("allium/simulator/behaviours/FloodPace", {
  defaultValue: () => Schedule.spaced("30 seconds")
})

/** One old record is offered to the nodes closest to its key. */
export const ReplayPace = Context.Reference<Schedule.Schedule<unknown>>("allium/simulator/behaviours/ReplayPace", {
  defaultValue: () => Schedule.spaced("30 seconds")
})
