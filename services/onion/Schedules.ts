/** The tempo of onion cells and of the envelopes that they carry. */
import { Context, Schedule } from "effect"

/** A fresh onion key; the one before it is tried for two hours more (WIRE §4). */
export const OnionKeyPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/onion/OnionKeyPace", {
  defaultValue: () => Schedule.spaced("24 hours")
})

/** Forgets the cells whose minute is over, while any are remembered and none come that would do it. */
export const ReplaySweepPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/onion/ReplaySweepPace", {
  defaultValue: () => Schedule.spaced("1 minute")
})
