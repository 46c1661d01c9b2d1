/** The tempo of the DHT (DESIGN.md §6). */
import { Context, Duration, Schedule } from "effect"

/** How long one round of joining may take. */
export const BootstrapTimeout = Context.Reference<Duration.Duration>("allium/services/dht/BootstrapTimeout", {
  defaultValue: () => Duration.seconds(30)
})

/** Between rounds while nobody has been reached. */
export const BootstrapAgain = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/BootstrapAgain", {
  defaultValue: () => Schedule.spaced("30 seconds")
})

/** The longest a node waits before it joins: machines that start together shall not arrive together. */
export const JoinStagger = Context.Reference<Duration.Duration>("allium/services/dht/JoinStagger", {
  defaultValue: () => Duration.seconds(5)
})

/** A lookup of a random id: fills buckets, and finds out who is gone. */
export const DiscoveryPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/DiscoveryPace", {
  defaultValue: () => Schedule.spaced("60 seconds")
})

/** How long a peer that asks whether it can be reached is dialled; its request waits a little longer. */
export const DialBackWithin = Context.Reference<Duration.Duration>("allium/services/dht/DialBackWithin", {
  defaultValue: () => Duration.seconds(5)
})

/** Until a client in mode auto asks again whether it can be reached, and until a server makes sure that it still is. */
export const DialBackAgain = Context.Reference<Duration.Duration>("allium/services/dht/DialBackAgain", {
  defaultValue: () => Duration.seconds(15)
})
export const DialBackEvery = Context.Reference<Duration.Duration>("allium/services/dht/DialBackEvery", {
  defaultValue: () => Duration.minutes(10)
})

/** How often buckets are looked through for idle ones, and how long nobody looked into a bucket that counts as idle. */
export const BucketRefreshPace = Context.Reference<Schedule.Schedule<unknown>>(
  "allium/services/dht/BucketRefreshPace",
  {
    defaultValue: () => Schedule.spaced("10 minutes")
  }
)
export const BucketIdleAfter = Context.Reference<Duration.Duration>("allium/services/dht/BucketIdleAfter", {
  defaultValue: () => Duration.hours(1)
})

/** How often peers that were long not heard of are forgotten, and how long that is. */
export const PeersCleanupPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/PeersCleanupPace", {
  defaultValue: () => Schedule.spaced("5 minutes")
})
export const ForgetPeersAfter = Context.Reference<Duration.Duration>("allium/services/dht/ForgetPeersAfter", {
  defaultValue: () => Duration.hours(1)
})

/**
 * How long a lookup waits for one peer before it asks another besides: `times` the round trips that the request takes,
 * as they were measured with this peer, else with most; at least `minimum`, `initial` before anything was measured.
 * After `maximum` nobody waits for it at all.
 */
export const LookupPatience = Context.Reference<{
  readonly times: number
  readonly initial: Duration.Duration
  readonly minimum: Duration.Duration
  readonly maximum: Duration.Duration
}>("allium/services/dht/LookupPatience", {
  defaultValue: () => ({
    times: 2,
    initial: Duration.seconds(1),
    minimum: Duration.millis(250),
    maximum: Duration.seconds(3)
  })
})

/** How often contacts are looked through for those that need checking. */
export const LivenessPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/LivenessPace", {
  defaultValue: () => Schedule.spaced("1 minute")
})

/** The age at which a contact's address is verified again; it counts as verified for `VOUCHES` times as long. */
export const VerifyAfter = Context.Reference<Duration.Duration>("allium/services/dht/VerifyAfter", {
  defaultValue: () => Duration.minutes(45)
})

/** The routing table is written down so often, and when the node stops. */
export const SaveTablePace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/SaveTablePace", {
  defaultValue: () => Schedule.spaced("5 minutes")
})

/** Expired records are dropped. */
export const CleanupPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/CleanupPace", {
  defaultValue: () => Schedule.spaced("1 hour")
})

/** This node's announcements are renewed: half of their life. */
export const ReprovidePace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/ReprovidePace", {
  defaultValue: () => Schedule.spaced("12 hours")
})

/** The longest that `explain` waits for a lookup, and again for the answers of those that it asks. */
export const ExplainDeadline = Context.Reference<Duration.Duration>("allium/services/dht/ExplainDeadline", {
  defaultValue: () => Duration.seconds(15)
})

/** Neighbours compare what they hold. Jittered, or those that started together would all compare at one time. */
export const SyncPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/SyncPace", {
  defaultValue: () => Schedule.jittered(Schedule.spaced("1 hour"))
})

/**
 * How soon they compare after somebody joined or left the neighbourhood, half of it more or less: who joined should have
 * what is his at once, who left may come back.
 */
export const SyncSoon = Context.Reference<{
  readonly joined: Duration.Duration
  readonly left: Duration.Duration
}>("allium/services/dht/SyncSoon", {
  defaultValue: () => ({ joined: Duration.minutes(1), left: Duration.minutes(5) })
})

/** A few of those that promised to keep something are asked to prove it. */
export const ChallengePace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/ChallengePace", {
  defaultValue: () => Schedule.jittered(Schedule.spaced("1 hour"))
})

/** The pins are looked through for those that are due. */
export const RefreshPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/RefreshPace", {
  defaultValue: () => Schedule.spaced("1 minute")
})

/** How soon a pin is tried again that could not be refreshed. */
export const RefreshAgain = Context.Reference<Duration.Duration>("allium/services/dht/RefreshAgain", {
  defaultValue: () => Duration.hours(1)
})

/** A part of the store is read and checked; `SCRUB_TICKS` of them are all of it, so a day. */
export const ScrubPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/ScrubPace", {
  defaultValue: () => Schedule.spaced("10 minutes")
})

/** How long a delegate may take for an operation, the way there and back included; and how long it goes on with one. */
export const DelegateWithin = Context.Reference<Duration.Duration>("allium/services/dht/DelegateWithin", {
  defaultValue: () => Duration.seconds(30)
})

/** After how long another is asked besides: a lost cell was sent again by then, and a lookup has ended. */
export const DelegatePatience = Context.Reference<Duration.Duration>("allium/services/dht/DelegatePatience", {
  defaultValue: () => Duration.seconds(5)
})

/** How often a node that falls back looks whether the network is in reach. */
export const BackendProbePace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/BackendProbePace", {
  defaultValue: () => Schedule.spaced("10 seconds")
})

/** Whoever has proved that it is, by whatever he did, is not asked again for so long. */
export const BackendProvenFor = Context.Reference<Duration.Duration>("allium/services/dht/BackendProvenFor", {
  defaultValue: () => Duration.seconds(30)
})

/**
 * How long the network is left alone once it is out of reach, before a probe is let through: longer each time that it was
 * lost again soon. With `BackendProbePace` and `BackendWithin` this is how long after its return a node has noticed.
 */
export const BackendRest = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/BackendRest", {
  defaultValue: () => Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("30 seconds")])
})

/** How long one operation is waited for. The real Dht ends earlier by itself; this is for one that does not. */
export const BackendWithin = Context.Reference<Duration.Duration>("allium/services/dht/BackendWithin", {
  defaultValue: () => Duration.seconds(20)
})

/** The mean time of an operation above which the network counts as degraded. */
export const BackendSlowAfter = Context.Reference<Duration.Duration>("allium/services/dht/BackendSlowAfter", {
  defaultValue: () => Duration.seconds(5)
})

/** What waits for the network is brought to it while it is in reach, what is left each time anew. */
export const ReplayPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/dht/ReplayPace", {
  defaultValue: () => Schedule.spaced("5 seconds")
})

/** How long a write rests that others saw and did not take, at first, and at the longest: twice as long each time. */
export const ReplayAgain = Context.Reference<{
  readonly first: Duration.Duration
  readonly longest: Duration.Duration
}>("allium/services/dht/ReplayAgain", {
  defaultValue: () => ({ first: Duration.seconds(5), longest: Duration.minutes(10) })
})
