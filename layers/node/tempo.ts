/**
 * The tempo of a network on one page: every delay, deadline, period and retry of every domain, by name. Tests hold this
 * list to what `services` declare, the names and the values. What each one is for stands beside its declaration.
 */
import { Context, Duration, Layer, Schedule } from "effect"
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

const usual = Context.mergeAll(
  // transport
  Context.make(RaceStagger, millis(250)),
  Context.make(DialDeadline, seconds(10)),
  Context.make(
    DialAgain,
    Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(Schedule.jittered)
  ),
  // session
  Context.make(Session.HandshakeDeadline, seconds(10)),
  Context.make(Session.SweepPace, Schedule.spaced("1 second")),
  Context.make(Session.HeartbeatAfter, seconds(15)),
  Context.make(Session.IdleAfter, minutes(5)),
  Context.make(Session.DrainFor, seconds(10)),
  Context.make(Session.RekeyAfter, hours(1)),
  Context.make(Session.BanDuration, minutes(30)),
  Context.make(Session.RecordLifetime, hours(24)),
  // rpc
  Context.make(RequestTimeout, { initial: seconds(3), minimum: seconds(1), maximum: seconds(10) }),
  Context.make(ServeEnvelopeWithin, minutes(1)),
  // router
  Context.make(Router.AckDeadline, seconds(5)),
  Context.make(Router.AnswerDeadline, seconds(30)),
  Context.make(
    Router.SendAgain,
    Schedule.exponential("500 millis").pipe(
      Schedule.jittered,
      Schedule.upTo({ times: 4 }),
      Schedule.setInputType<SendError>(),
      Schedule.while(({ input }) => input._tag === "Unacknowledged" || input._tag === "SessionClosed")
    )
  ),
  Context.make(Router.RouteFor, minutes(10)),
  Context.make(Router.RecordFreshFor, minutes(90)),
  Context.make(Router.SuspectFor, { path: minutes(1), culprit: minutes(10) }),
  Context.make(Router.GuardsFor, { kept: days(28), gone: days(3), standInGone: hours(1), again: minutes(1) }),
  Context.make(Router.PrepareWithin, seconds(8)),
  Context.make(Router.NeededFor, hours(1)),
  Context.make(Router.SearchPace, Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("5 minutes")])),
  Context.make(Router.SearchSoon, millis(500)),
  Context.make(Router.SearchAfterFailures, seconds(15)),
  Context.make(Router.ConfirmWithin, seconds(4)),
  Context.make(Router.RecipientKnownFor, hours(1)),
  // onion
  Context.make(Onion.OnionKeyPace, Schedule.spaced("24 hours")),
  Context.make(Onion.ReplaySweepPace, Schedule.spaced("1 minute")),
  Context.make(Onion.OnionAckDeadline, { initial: seconds(4), minimum: seconds(1), maximum: seconds(10) }),
  Context.make(
    Onion.OnionSendAgain,
    Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("2 seconds")]).pipe(
      Schedule.jittered,
      Schedule.upTo({ duration: "10 minutes" })
    )
  ),
  Context.make(Onion.UnfinishedSweepPace, minutes(1)),
  // gossip
  Context.make(Gossip.HeartbeatPace, Schedule.jittered(Schedule.spaced("1 second"))),
  Context.make(Gossip.PruneFor, seconds(60)),
  Context.make(Gossip.LeaveFor, seconds(10)),
  Context.make(Gossip.FanOutFor, seconds(60)),
  Context.make(Gossip.OpportunityEvery, seconds(60)),
  Context.make(Gossip.PromiseWithin, seconds(3)),
  Context.make(Gossip.ValidateWithin, seconds(5)),
  // dht
  Context.make(Dht.BootstrapTimeout, seconds(30)),
  Context.make(Dht.BootstrapAgain, Schedule.spaced("30 seconds")),
  Context.make(Dht.JoinStagger, seconds(5)),
  Context.make(Dht.DiscoveryPace, Schedule.spaced("60 seconds")),
  Context.make(Dht.DialBackWithin, seconds(5)),
  Context.make(Dht.DialBackAgain, seconds(15)),
  Context.make(Dht.DialBackEvery, minutes(10)),
  Context.make(Dht.BucketRefreshPace, Schedule.spaced("10 minutes")),
  Context.make(Dht.BucketIdleAfter, hours(1)),
  Context.make(Dht.PeersCleanupPace, Schedule.spaced("5 minutes")),
  Context.make(Dht.ForgetPeersAfter, hours(1)),
  Context.make(Dht.LookupPatience, { times: 2, initial: seconds(1), minimum: millis(250), maximum: seconds(3) }),
  Context.make(Dht.LivenessPace, Schedule.spaced("1 minute")),
  Context.make(Dht.VerifyAfter, minutes(45)),
  Context.make(Dht.SaveTablePace, Schedule.spaced("5 minutes")),
  Context.make(Dht.CleanupPace, Schedule.spaced("1 hour")),
  Context.make(Dht.ExplainDeadline, seconds(15)),
  Context.make(Dht.ReprovidePace, Schedule.spaced("12 hours")),
  Context.make(Dht.SyncPace, Schedule.jittered(Schedule.spaced("1 hour"))),
  Context.make(Dht.SyncSoon, { joined: minutes(1), left: minutes(5) }),
  Context.make(Dht.ChallengePace, Schedule.jittered(Schedule.spaced("1 hour"))),
  Context.make(Dht.RefreshPace, Schedule.spaced("1 minute")),
  Context.make(Dht.RefreshAgain, hours(1)),
  Context.make(Dht.ScrubPace, Schedule.spaced("10 minutes")),
  Context.make(Dht.DelegateWithin, seconds(30)),
  Context.make(Dht.DelegatePatience, seconds(5)),
  Context.make(Dht.BackendProbePace, Schedule.spaced("10 seconds")),
  Context.make(Dht.BackendProvenFor, seconds(30)),
  Context.make(Dht.BackendRest, Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced("30 seconds")])),
  Context.make(Dht.BackendWithin, seconds(20)),
  Context.make(Dht.BackendSlowAfter, seconds(5)),
  Context.make(Dht.ReplayPace, Schedule.spaced("5 seconds")),
  Context.make(Dht.ReplayAgain, { first: seconds(5), longest: minutes(10) }),
  // content
  Context.make(
    BlockAgain,
    Schedule.exponential("200 millis").pipe(
      Schedule.jittered,
      Schedule.upTo({ times: 2 }),
      Schedule.setInputType<GetError>(),
      Schedule.while(({ input }) => input._tag === "NotFound")
    )
  ),
  // crdt
  Context.make(Crdt.EarlyFor, minutes(10)),
  Context.make(Crdt.ComparePace, Schedule.jittered(Schedule.spaced("20 seconds"))),
  Context.make(Crdt.CompareSoon, millis(150)),
  Context.make(
    Crdt.SearchPeersPace,
    Schedule.jittered(Schedule.min([Schedule.exponential("10 seconds"), Schedule.spaced("10 minutes")]))
  ),
  // ucxl
  Context.make(Ucxl.CacheTime, minutes(10)),
  Context.make(Ucxl.CacheSweep, Schedule.spaced("5 minutes")),
  Context.make(
    Ucxl.RolesSoon,
    Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")]).pipe(
      Schedule.jittered,
      Schedule.upTo({ duration: "1 hour" })
    )
  ),
  Context.make(Ucxl.RolesAgain, Schedule.jittered(Schedule.spaced("10 minutes"))),
  Context.make(Ucxl.RolesFreshFor, seconds(2)),
  Context.make(Ucxl.GrantsAgain, Schedule.jittered(Schedule.spaced("6 hours")))
)

export const production = Layer.succeedContext(usual)

/** Nodes of one machine are few: they need not arrive one after the other, and their owner is waiting. */
export const local = Layer.succeedContext(Context.add(usual, Dht.JoinStagger, Duration.zero))

/**
 * For networks of thousands of nodes in one process. What a node does of itself, whether anybody uses it or not, is
 * nearly all that an idle network computes; made rarer here, it leaves the time to what is being studied. What answers
 * to something (deadlines, retries, back-offs) stays as it is: as `services` declare it, and `production` lists it. It is
 * not listed here once more, for every layer of a node copies what its context holds, and thousands are built.
 */
const rare = Context.mergeAll(
  Context.make(Session.SweepPace, Schedule.spaced("30 seconds")),
  Context.make(Session.HeartbeatAfter, minutes(5)),
  Context.make(Session.IdleAfter, minutes(30)),
  Context.make(Onion.ReplaySweepPace, Schedule.spaced("15 minutes")),
  Context.make(Onion.UnfinishedSweepPace, minutes(10)),
  Context.make(Gossip.HeartbeatPace, Schedule.jittered(Schedule.spaced("1 minute"))),
  Context.make(Dht.DiscoveryPace, Schedule.spaced("2 hours")),
  Context.make(Dht.DialBackEvery, hours(12)),
  Context.make(Dht.BucketRefreshPace, Schedule.spaced("12 hours")),
  Context.make(Dht.PeersCleanupPace, Schedule.spaced("1 hour")),
  Context.make(Dht.LivenessPace, Schedule.spaced("5 minutes")),
  Context.make(Dht.VerifyAfter, hours(2)),
  Context.make(Dht.SaveTablePace, Schedule.spaced("15 minutes")),
  Context.make(Dht.SyncPace, Schedule.jittered(Schedule.spaced("6 hours"))),
  Context.make(Dht.SyncSoon, { joined: hours(2), left: hours(6) }),
  Context.make(Dht.ChallengePace, Schedule.jittered(Schedule.spaced("6 hours"))),
  Context.make(Dht.RefreshPace, Schedule.spaced("1 hour")),
  Context.make(Dht.ScrubPace, Schedule.spaced("2 hours")),
  Context.make(Dht.BackendProbePace, Schedule.spaced("10 minutes")),
  Context.make(Dht.BackendProvenFor, hours(1)),
  Context.make(Dht.ReplayPace, Schedule.spaced("10 minutes")),
  Context.make(Crdt.ComparePace, Schedule.jittered(Schedule.spaced("10 minutes"))),
  Context.make(Crdt.SearchPeersPace, Schedule.jittered(Schedule.spaced("2 hours"))),
  Context.make(Ucxl.CacheSweep, Schedule.spaced("2 hours"))
)

export const calm = Layer.succeedContext(rare)
