/** The tempo of gossip. */
import { Context, Duration, Schedule } from "effect"

/** Meshes are looked after and neighbours told of messages; only while this node takes part in a topic. */
export const HeartbeatPace = Context.Reference<Schedule.Schedule<unknown>>("allium/services/gossip/HeartbeatPace", {
  defaultValue: () => Schedule.jittered(Schedule.spaced("1 second"))
})

/** How long two neighbours leave each other's mesh alone after a prune (gossipsub v1.1). */
export const PruneFor = Context.Reference<Duration.Duration>("allium/services/gossip/PruneFor", {
  defaultValue: () => Duration.seconds(60)
})

/** The same, after this node has left the topic: it may well be back. */
export const LeaveFor = Context.Reference<Duration.Duration>("allium/services/gossip/LeaveFor", {
  defaultValue: () => Duration.seconds(10)
})

/** How long the neighbours are remembered that a topic was published to without joining it. */
export const FanOutFor = Context.Reference<Duration.Duration>("allium/services/gossip/FanOutFor", {
  defaultValue: () => Duration.seconds(60)
})

/** How often a mesh that brings little is tried to be bettered. */
export const OpportunityEvery = Context.Reference<Duration.Duration>("allium/services/gossip/OpportunityEvery", {
  defaultValue: () => Duration.seconds(60)
})

/** Within this a neighbour that told of a message has to send it, when asked. */
export const PromiseWithin = Context.Reference<Duration.Duration>("allium/services/gossip/PromiseWithin", {
  defaultValue: () => Duration.seconds(3)
})

/** Validators answer within this, or the message is ignored. */
export const ValidateWithin = Context.Reference<Duration.Duration>("allium/services/gossip/ValidateWithin", {
  defaultValue: () => Duration.seconds(5)
})
