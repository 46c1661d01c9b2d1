/** The tempo of encrypted content. */
import { Context, Duration, Schedule } from "effect"

/** How long decrypted content is answered from memory (DESIGN.md §10). */
export const CacheTime = Context.Reference<Duration.Duration>("allium/services/ucxl/CacheTime", {
  defaultValue: () => Duration.minutes(10)
})

/** How often what is older than that is dropped. */
export const CacheSweep = Context.Reference<Schedule.Schedule<unknown>>("allium/services/ucxl/CacheSweep", {
  defaultValue: () => Schedule.spaced("5 minutes")
})

/** How soon the authority's list of roles is looked for again after a start, until it was found once. */
export const RolesSoon = Context.Reference<Schedule.Schedule<unknown>>("allium/services/ucxl/RolesSoon", {
  defaultValue: () =>
    Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")]).pipe(
      Schedule.jittered,
      Schedule.upTo({ duration: "1 hour" })
    )
})

/** How often the authority's list of roles is looked for. */
export const RolesAgain = Context.Reference<Schedule.Schedule<unknown>>("allium/services/ucxl/RolesAgain", {
  defaultValue: () => Schedule.spaced("10 minutes").pipe(Schedule.jittered)
})

/**
 * How long nobody looks again whether there is a newer list, where a refusal depends on it: what was published a moment
 * ago is known before anyone is refused for it, and no row of refusals becomes a row of lookups.
 */
export const RolesFreshFor = Context.Reference<Duration.Duration>("allium/services/ucxl/RolesFreshFor", {
  defaultValue: () => Duration.seconds(2)
})

/** How often the authority looks whether grants have to be renewed. */
export const GrantsAgain = Context.Reference<Schedule.Schedule<unknown>>("allium/services/ucxl/GrantsAgain", {
  defaultValue: () => Schedule.spaced("6 hours").pipe(Schedule.jittered)
})
