/**
 * The tempo of a network on one page: every delay, deadline, period and retry of every domain, by name. A test holds
 * this list to what `services` declares. What each one is for stands beside its declaration.
 */
import { Duration, Layer, Schedule } from "effect"
import { BlockAgain } from "#services/content/Schedules"
import * as Crdt from "#services/crdt/Schedules"
import type { GetError } from "#services/dht/Dht"
import * as Dht from "#services/dht/Schedules"
import * as Gossip from "#services/gossip/Schedules"
import * as Onion from "#services/onion/Schedules"
import type { SendError } from "#services/router/RouterHandle"
import * as Router from "#services/router/Schedules"
import { RequestTimeout, ServeEnvelopeWithin } from "#services/rpc/Schedules"
import * as Session from "#services/session/Schedules"
import { DialAgain, DialDeadline, RaceStagger } from "#services/transport/Schedules"
import * as Ucxl from "#services/ucxl/Schedules"

const { days, hours, millis, minutes, seconds } = Duration

export const production = Layer.mergeAll(
  // transport
  Layer.succeed(RaceStagger, millis(250)),
  Layer.succeed(DialDeadline, seconds(10)),
  Layer.succeed(
    DialAgain,
    Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(Schedule.jittered)
  ),
  // session
  Layer.succeed(Session.HandshakeDeadline, seconds(10)),
  Layer.succeed(Session.SweepPace, Schedule.spaced("1 second")),
  Layer.succeed(Session.HeartbeatAfter, seconds(15)),
  Layer.succeed(Session.IdleAfter, minutes(5)),
  Layer.succeed(Session.DrainFor, seconds(10)),
  Layer.succeed(Session.RekeyAfter, hours(1)),
  Layer.succeed(Session.BanDuration, minutes(30)),
  Layer.succeed(Session.RecordLifetime, hours(24)),
  // rpc
  Layer.succeed(RequestTimeout, { initial: seconds(3), minimum: seconds(1), maximum: seconds(10) }),
  Layer.succeed(ServeEnvelopeWithin, minutes(1)),
  // router
  Layer.succeed(Router.AckDeadline, seconds(5)),
  Layer.succeed(Router.AnswerDeadline, seconds(30)),
  Layer.succeed(
    Router.SendAgain,
    Schedule.exponential("500 millis").pipe(
      Schedule.jittered,
      Schedule.upTo({ times: 4 }),
      Schedule.setInputType<SendError>(),
      Schedule.while(({ input }) => input._tag === "Unacknowledged" || input._tag === "SessionClosed")
    )
  ),
  Layer.succeed(Router.RouteFor, minutes(10)),
  Layer.succeed(Router.RecordFreshFor, minutes(90)),
  Layer.succeed(Router.SuspectFor, { path: minutes(1), culprit: minutes(10) }),
  Layer.succeed(Router.GuardsFor, { kept: days(28), gone: days(3), standInGone: hours(1), again: minutes(1) }),
  Layer.succeed(Router.PrepareWithin, seconds(8)),
  Layer.succeed(Router.NeededFor, hours(1)),
  Layer.succeed(Router.SearchPace, Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("5 minutes")])),
  Layer.succeed(Router.SearchSoon, millis(500)),
  Layer.succeed(Router.SearchAfterFailures, seconds(15)),
  Layer.succeed(Router.ConfirmWithin, seconds(4)),
  Layer.succeed(Router.RecipientKnownFor, hours(1)),
  // onion
  Layer.succeed(Onion.OnionKeyPace, Schedule.spaced("24 hours")),
  Layer.succeed(Onion.ReplaySweepPace, Schedule.spaced("1 minute")),
  Layer.succeed(Onion.OnionAckDeadline, { initial: seconds(4), minimum: seconds(1), maximum: seconds(10) }),
  Layer.succeed(
    Onion.OnionSendAgain,
    Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("2 seconds")]).pipe(
      Schedule.jittered,
      Schedule.upTo({ duration: "10 minutes" })
    )
  ),
  Layer.succeed(Onion.UnfinishedSweepPace, minutes(1)),
  // gossip
  Layer.succeed(Gossip.HeartbeatPace, Schedule.jittered(Schedule.spaced("1 second"))),
  Layer.succeed(Gossip.PruneFor, seconds(60)),
  Layer.succeed(Gossip.LeaveFor, seconds(10)),
  Layer.succeed(Gossip.FanOutFor, seconds(60)),
  Layer.succeed(Gossip.OpportunityEvery, seconds(60)),
  Layer.succeed(Gossip.PromiseWithin, seconds(3)),
  Layer.succeed(Gossip.ValidateWithin, seconds(5)),
  // dht
  Layer.succeed(Dht.BootstrapTimeout, seconds(30)),
  Layer.succeed(Dht.BootstrapAgain, Schedule.spaced("30 seconds")),
  Layer.succeed(Dht.JoinStagger, seconds(5)),
  Layer.succeed(Dht.DiscoveryPace, Schedule.spaced("60 seconds")),
  Layer.succeed(Dht.DialBackWithin, seconds(5)),
  Layer.succeed(Dht.DialBackAgain, seconds(15)),
  Layer.succeed(Dht.DialBackEvery, minutes(10)),
  Layer.succeed(Dht.BucketRefreshPace, Schedule.spaced("10 minutes")),
  Layer.succeed(Dht.BucketIdleAfter, hours(1)),
  Layer.succeed(Dht.PeersCleanupPace, Schedule.spaced("5 minutes")),
  Layer.succeed(Dht.ForgetPeersAfter, hours(1)),
  Layer.succeed(Dht.LookupPatience, { times: 2, initial: seconds(1), minimum: millis(250), maximum: seconds(3) }),
  Layer.succeed(Dht.LivenessPace, Schedule.spaced("1 minute")),
  Layer.succeed(Dht.VerifyAfter, minutes(45)),
  Layer.succeed(Dht.SaveTablePace, Schedule.spaced("5 minutes")),
  Layer.succeed(Dht.CleanupPace, Schedule.spaced("1 hour")),
  Layer.succeed(Dht.ExplainDeadline, seconds(15)),
  Layer.succeed(Dht.ReprovidePace, Schedule.spaced("12 hours")),
  Layer.succeed(Dht.SyncPace, Schedule.jittered(Schedule.spaced("1 hour"))),
  Layer.succeed(Dht.SyncSoon, { joined: minutes(1), left: minutes(5) }),
  Layer.succeed(Dht.ChallengePace, Schedule.jittered(Schedule.spaced("1 hour"))),
  Layer.succeed(Dht.RefreshPace, Schedule.spaced("1 minute")),
  Layer.succeed(Dht.RefreshAgain, hours(1)),
  Layer.succeed(Dht.ScrubPace, Schedule.spaced("10 minutes")),
  Layer.succeed(Dht.DelegateWithin, seconds(30)),
  Layer.succeed(Dht.DelegatePatience, seconds(5)),
  Layer.succeed(Dht.BackendProbePace, Schedule.spaced("10 seconds")),
  Layer.succeed(Dht.BackendProvenFor, seconds(30)),
  Layer.succeed(Dht.BackendRest, Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("30 seconds")])),
  Layer.succeed(Dht.BackendWithin, seconds(20)),
  Layer.succeed(Dht.BackendSlowAfter, seconds(5)),
  Layer.succeed(Dht.ReplayPace, Schedule.spaced("5 seconds")),
  Layer.succeed(Dht.ReplayAgain, { first: seconds(5), longest: minutes(10) }),
  // content
  Layer.succeed(
    BlockAgain,
    Schedule.exponential("200 millis").pipe(
      Schedule.jittered,
      Schedule.upTo({ times: 2 }),
      Schedule.setInputType<GetError>(),
      Schedule.while(({ input }) => input._tag === "NotFound")
    )
  ),
  // crdt
  Layer.succeed(Crdt.EarlyFor, minutes(10)),
  Layer.succeed(Crdt.ComparePace, Schedule.jittered(Schedule.spaced("20 seconds"))),
  Layer.succeed(Crdt.CompareSoon, millis(150)),
  Layer.succeed(
    Crdt.SearchPeersPace,
    Schedule.jittered(Schedule.min([Schedule.exponential("10 seconds"), Schedule.spaced("10 minutes")]))
  ),
  // ucxl
  Layer.succeed(Ucxl.CacheTime, minutes(10)),
  Layer.succeed(Ucxl.CacheSweep, Schedule.spaced("5 minutes")),
  Layer.succeed(
    Ucxl.RolesSoon,
    Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")]).pipe(
      Schedule.jittered,
      Schedule.upTo({ duration: "1 hour" })
    )
  ),
  Layer.succeed(Ucxl.RolesAgain, Schedule.jittered(Schedule.spaced("10 minutes"))),
  Layer.succeed(Ucxl.RolesFreshFor, seconds(2)),
  Layer.succeed(Ucxl.GrantsAgain, Schedule.jittered(Schedule.spaced("6 hours")))
)

/** Nodes of one machine are few: they need not arrive one after the other, and their owner is waiting. */
export const local = Layer.merge(production, Layer.succeed(Dht.JoinStagger, Duration.zero))

/**
 * For networks of thousands of nodes in one process. What a node does of itself, whether anybody uses it or not, is
 * nearly all that an idle network computes; made rarer here, it leaves the time to what is being studied. What answers
 * to something (deadlines, retries, back-offs) stays as it is.
 */
export const calm = Layer.mergeAll(
  production,
  Layer.succeed(Session.SweepPace, Schedule.spaced("30 seconds")),
  Layer.succeed(Session.HeartbeatAfter, minutes(5)),
  Layer.succeed(Session.IdleAfter, minutes(30)),
  Layer.succeed(Onion.ReplaySweepPace, Schedule.spaced("15 minutes")),
  Layer.succeed(Onion.UnfinishedSweepPace, minutes(10)),
  Layer.succeed(Gossip.HeartbeatPace, Schedule.jittered(Schedule.spaced("1 minute"))),
  Layer.succeed(Dht.DiscoveryPace, Schedule.spaced("2 hours")),
  Layer.succeed(Dht.DialBackEvery, hours(12)),
  Layer.succeed(Dht.BucketRefreshPace, Schedule.spaced("12 hours")),
  Layer.succeed(Dht.PeersCleanupPace, Schedule.spaced("1 hour")),
  Layer.succeed(Dht.LivenessPace, Schedule.spaced("5 minutes")),
  Layer.succeed(Dht.VerifyAfter, hours(2)),
  Layer.succeed(Dht.SaveTablePace, Schedule.spaced("15 minutes")),
  Layer.succeed(Dht.SyncPace, Schedule.jittered(Schedule.spaced("6 hours"))),
  Layer.succeed(Dht.SyncSoon, { joined: hours(2), left: hours(6) }),
  Layer.succeed(Dht.ChallengePace, Schedule.jittered(Schedule.spaced("6 hours"))),
  Layer.succeed(Dht.RefreshPace, Schedule.spaced("1 hour")),
  Layer.succeed(Dht.ScrubPace, Schedule.spaced("2 hours")),
  Layer.succeed(Dht.BackendProbePace, Schedule.spaced("10 minutes")),
  Layer.succeed(Dht.BackendProvenFor, hours(1)),
  Layer.succeed(Dht.ReplayPace, Schedule.spaced("10 minutes")),
  Layer.succeed(Crdt.ComparePace, Schedule.jittered(Schedule.spaced("10 minutes"))),
  Layer.succeed(Crdt.SearchPeersPace, Schedule.jittered(Schedule.spaced("2 hours"))),
  Layer.succeed(Ucxl.CacheSweep, Schedule.spaced("2 hours"))
)
