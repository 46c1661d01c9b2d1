/**
 * Gossip over the sessions that there are: a mesh for each topic, in which messages go from neighbour to neighbour, and
 * word of what there is for those outside of it, who ask (after gossipsub v1.1).
 *
 * What a frame brings is done at once and in plain functions; one fiber beats the heart for all topics and neighbours,
 * and rests while this node takes part in none. Until gossip is first wanted here, or heard, sessions are no concern of
 * this layer: they come and go by the hundred, and most carry none.
 */
import { Clock, Duration, Effect, Latch, Layer, Metric, Queue, Random, Result } from "effect"
import { Mesh } from "#core/gossip/Mesh"
import { MessageCache } from "#core/gossip/MessageCache"
import { Scores } from "#core/gossip/Scores"
import { SeenCache } from "#core/gossip/SeenCache"
import { Wanted } from "#core/gossip/Wanted"
import { TokenBucket } from "#core/session/TokenBucket"
import { bytesOfKey, keyOf } from "#schemas/bytes/bytes"
import { IDS_LIMIT, read, TOPICS_LIMIT } from "#schemas/gossip/GossipFrame"
import { SEEN_FOR } from "#schemas/gossip/GossipMessage"
import { FrameType } from "#schemas/session/Frame"
import { Gossip, type Received, TooManyTopics } from "#services/gossip/Gossip"
import * as Limits from "#services/gossip/Limits"
import { members, sent, unheard } from "#services/gossip/Metrics"
import * as Schedules from "#services/gossip/Schedules"
import { Identity } from "#services/identity/Identity"
import { type Session, SessionManager } from "#services/session/SessionManager"
import { makeArrivals } from "./arriving.ts"
import { makeControl } from "./controlling.ts"
import { counting, type GossipState, Neighbour, type Tally } from "./GossipState.ts"
import { Outbox } from "./Outbox.ts"
import { makePublisher } from "./publishing.ts"
import { Subscribers } from "./Subscribers.ts"
import { watchGossip } from "./watching.ts"

const GOSSIP = FrameType.GOSSIP

const makeState = Effect.fnUntraced(function* (tally: Tally, hand: (peer: string, payload: Uint8Array) => boolean) {
  const [sessions, clock, draw] = [yield* SessionManager, yield* Clock.Clock, yield* Random.Random]
  const context = yield* Effect.context<never>()
  const now = () => clock.currentTimeMillisUnsafe()
  const scores = new Scores(Limits.GONE_SCORES)
  const mesh = new Mesh({
    pick: (count) => Math.min(count - 1, Math.floor(draw.nextDoubleUnsafe() * count)),
    scores,
    topics: TOPICS_LIMIT,
    backoffs: Limits.BACKOFFS,
    pruneFor: Duration.toMillis(yield* Schedules.PruneFor),
    leaveFor: Duration.toMillis(yield* Schedules.LeaveFor),
    fanOutFor: Duration.toMillis(yield* Schedules.FanOutFor),
    opportunityEvery: Duration.toMillis(yield* Schedules.OpportunityEvery)
  })
  const promise = Duration.toMillis(yield* Schedules.PromiseWithin)
  const state: GossipState = {
    now,
    mesh,
    scores,
    seen: new SeenCache(Limits.SEEN_IDS, SEEN_FOR),
    cache: new MessageCache({ messages: Limits.CACHED_MESSAGES, bytes: Limits.CACHED_BYTES }),
    wanted: new Wanted(Limits.WANTED_MESSAGES, Limits.WANTED_OF_PEER, promise),
    outbox: new Outbox(hand),
    subscribers: new Subscribers(),
    neighbours: new Map(),
    checks: new TokenBucket(Limits.CHECKS, now()),
    answers: new TokenBucket(Limits.ANSWERS, now()),
    charge: sessions.charge,
    count: counting(tally, context)
  }
  return state
})

export const make = Effect.gen(function* () {
  const [sessions, { local }, context] = [yield* SessionManager, yield* Identity, yield* Effect.context<never>()]
  const tally: Tally = { accepted: 0, known: 0, refused: 0, dropped: 0 }

  const hand = (peer: string, payload: Uint8Array): boolean => {
    const isSent = sessions.find(peer)?.offer(GOSSIP, payload) ?? false
    ;(isSent ? handed : full).updateUnsafe(1, context)
    return isSent
  }

  const state = yield* makeState(tally, hand)
  const { cache, mesh, neighbours, now, outbox, scores, subscribers, wanted } = state
  const arrivals = yield* makeArrivals(state, tally, hand)
  const control = makeControl(state)
  yield* watchGossip(state, arrivals.validating)

  let isWoken = false

  const enter = (session: Session): void => {
    const { address, contact, dialled } = session
    const known = neighbours.get(contact.key)
    if (known !== undefined) known.sessions.push(session)
    else {
      neighbours.set(contact.key, new Neighbour(session))
      scores.enter(contact.key, local ? undefined : address.network)
    }
    outbox.act(mesh.peerUp(contact.key, dialled))
    outbox.flush()
  }

  const wake = (): void => {
    if (isWoken) return
    isWoken = true
    for (const session of sessions.list()) enter(session)
  }

  const opened = (session: Session): void => {
    if (isWoken) enter(session)
  }

  const closed = (session: Session): void => {
    const { key } = session.contact
    if (neighbours.get(key)?.hasLeft(session) !== true) return
    neighbours.delete(key)
    wanted.peerDown(key)
    outbox.act(mesh.peerDown(key, now()))
    scores.leave(key, now())
    outbox.flush()
  }

  yield* sessions.onFrame(GOSSIP, (session, payload) => {
    wake()
    const neighbour = neighbours.get(session.contact.key)
    if (neighbour === undefined) return true
    if (scores.isGraylisted(neighbour.key, now())) {
      unheard.updateUnsafe(1, context)
      return true
    }
    const frame = read(payload)
    if (Result.isFailure(frame)) return false
    control(neighbour, frame.success)
    arrivals.arrive(neighbour, frame.success.messages)
    outbox.flush()
    return true
  })
  yield* sessions.onOpen(opened)
  yield* sessions.onClose(closed)
  sessions.keepIf((contact) => mesh.isUseful(contact.key))

  const tellOfMessages = (): void => {
    for (const [topic, all] of cache.recent()) {
      const ids = all.slice(-IDS_LIMIT).map(bytesOfKey)
      for (const peer of mesh.listeners(topic, now())) outbox.ihave(peer, topic, ids)
    }
  }

  const beat = Effect.sync(() => {
    outbox.act(mesh.heartbeat(now()))
    const { again, broken } = wanted.sweep(now())
    for (const peer of broken) scores.misbehaved(peer, now())
    for (const { id, peer } of again) outbox.iwant(peer, bytesOfKey(id))
    tellOfMessages()
    cache.shift()
    scores.sweep(now())
    outbox.flush()
    members.updateUnsafe(membersOf(), context)
    if (mesh.isIdle()) awake.closeUnsafe()
  })

  const awake = yield* Latch.make()
  const heartbeat = Effect.andThen(awake.await, beat)
  yield* heartbeat.pipe(Effect.schedule(yield* Schedules.HeartbeatPace), Effect.forkScoped)

  const membersOf = (): number => {
    let sum = 0
    for (const topic of mesh.topics()) sum += mesh.members(topic).size
    return sum
  }

  const join: Gossip["Service"]["join"] = Effect.fn("MeshGossip.join")(function* (name, validator) {
    const topic = keyOf(name)
    if (!subscribers.has(topic) && subscribers.topics >= TOPICS_LIMIT) {
      return yield* new TooManyTopics({ limit: TOPICS_LIMIT })
    }
    const subscribe = Effect.map(Queue.bounded<Received>(Limits.SUBSCRIBER_QUEUE), (queue) => {
      const subscriber = { validator, queue }
      wake()
      if (subscribers.add(topic, subscriber)) outbox.act(mesh.join(topic, now()))
      outbox.flush()
      awake.openUnsafe()
      return subscriber
    })
    const { queue } = yield* Effect.acquireRelease(subscribe, (subscriber) =>
      Effect.suspend(() => {
        if (subscribers.remove(topic, subscriber)) outbox.act(mesh.leave(topic, now()))
        outbox.flush()
        return Queue.shutdown(subscriber.queue)
      })
    )
    return queue
  })

  const publish = yield* makePublisher(state, hand)

  return Gossip.of({
    join,
    publish: (topic, data, options) =>
      Effect.tap(publish(topic, data, options), () => Effect.sync(() => awake.openUnsafe())),
    peers: (name) => {
      const topic = keyOf(name)
      return [...mesh.neighbours.of(topic)].flatMap((key) => {
        const contact = neighbours.get(key)?.contact
        return contact === undefined
          ? []
          : [{ contact, inMesh: mesh.members(topic).has(key), score: scores.of(key, now()) }]
      })
    },
    scoreOf: (key) => scores.of(key, now()),
    stats: () => ({ topics: subscribers.topics, neighbours: neighbours.size, members: membersOf(), ...tally })
  })
})

export const layer = Layer.effect(Gossip, make)

const handed = Metric.withAttributes(sent, { outcome: "handed over" })
const full = Metric.withAttributes(sent, { outcome: "no room" })
