/**
 * Keeps open documents equal. For each of them there is a gossip topic for what is new, and a row of peers to compare
 * with: those whose session just opened, who said that they have more, or whose turn it is. While nothing is open there is
 * nothing here but three registered methods.
 */
import { Effect, Layer, Queue, Random, Result, Semaphore } from "effect"
import type { Contact } from "#core/identity/Contact"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { readPush, topicPreimage } from "#schemas/crdt/SyncMessage"
import type { Topic } from "#schemas/gossip/GossipMessage"
import {
  ASKED_OPS,
  COMPARISONS,
  OPEN_DOCUMENTS,
  PARTED_PEERS,
  WAITING_PEERS,
  WANTED_PEERS
} from "#services/crdt/Limits"
import { ComparePace, CompareSoon, SearchPeersPace } from "#services/crdt/Schedules"
import { Sync } from "#services/crdt/Sync"
import { Dht } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { Gossip, type Received, type Verdict } from "#services/gossip/Gossip"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import { isFoul, makeComparison, serveComparisons } from "./comparing.ts"
import { KeptDocument, PARTNERS } from "./KeptDocument.ts"
import { makePublishing } from "./publishing.ts"
import { push } from "./pushing.ts"
import { fetchMissing, storeOwn } from "./singleOps.ts"

/** Seconds that word of an open document lasts. */
const ANNOUNCED_FOR = 86_400

export const make = Effect.gen(function* () {
  const [suite, identity, sessions, gossip] = [yield* Crypto, yield* Identity, yield* SessionManager, yield* Gossip]
  const [dht, queries, bounds] = [yield* Dht, yield* QueryExecutor, yield* Bounds]
  const [comparePace, compareSoon, searchPace] = [yield* ComparePace, yield* CompareSoon, yield* SearchPeersPace]
  const all = new Map<string, KeptDocument>()
  const turns = yield* Semaphore.make(COMPARISONS)
  let comparing = 0

  const most = (size: (kept: KeptDocument) => number) => () => Math.max(0, ...[...all.values()].map(size))
  yield* bounds.watch("documents kept equal", OPEN_DOCUMENTS, () => all.size)
  yield* bounds.watch(
    "peers to compare a document with",
    WAITING_PEERS,
    most(({ waiting }) => waiting)
  )
  yield* bounds.watch("comparisons of documents", COMPARISONS, () => comparing)
  yield* bounds.watch(
    "peers whose documents cannot be joined",
    PARTED_PEERS,
    most(({ parted }) => parted.size)
  )
  yield* bounds.watch(
    "operations that were looked for",
    ASKED_OPS,
    most(({ asked }) => asked.size)
  )

  const peersOf = ({ topic }: KeptDocument): ReadonlyArray<Contact> => gossip.peers(topic).map(({ contact }) => contact)

  const compare = yield* makeComparison
  const { publish, recover } = yield* makePublishing

  yield* sessions.onOpen(({ contact }) => {
    for (const kept of all.values()) {
      if (kept.partners.has(contact.key)) kept.enqueue(contact)
      else kept.hasOpened(contact)
    }
  })

  /** Others hear of what came in here, where a push did not reach them. */
  const passOn = (kept: KeptDocument, from: Contact): void => {
    for (const contact of peersOf(kept)) if (contact.key !== from.key) kept.enqueue(contact)
  }

  yield* serveComparisons({
    behind: ({ key }, peer) => {
      const kept = all.get(key)
      if (kept !== undefined) kept.enqueue(peer)
    },
    told: ({ key }, peer) => {
      const kept = all.get(key)
      if (kept !== undefined) passOn(kept, peer)
    }
  })

  const compareWith = Effect.fnUntraced(
    function* (kept: KeptDocument, peer: Contact) {
      comparing++
      const taken = yield* compare(kept.log, peer).pipe(
        Effect.tapErrorTag("SnapshotRefused", () => Effect.sync(() => kept.parted.note(peer.key)))
      )
      kept.agreed(peer)
      if (taken > 0) passOn(kept, peer)
    },
    Effect.ensuring(Effect.sync(() => comparing--)),
    Effect.ignore({ log: "Debug" }),
    Semaphore.withPermit(turns)
  )

  /** One comparison of a document at a time, in the order in which they became due. */
  const work = (kept: KeptDocument) =>
    Effect.suspend(() => {
      const next = kept.next()
      return next === undefined ? kept.untilDue : Effect.andThen(compareWith(kept, next), lookFor(kept))
    }).pipe(Effect.forever)

  /** What waiting operations build upon, where nobody who is asked next may have it. */
  const lookFor = (kept: KeptDocument) =>
    Effect.suspend(() =>
      kept.isAnyDue || kept.log.waiting() === 0
        ? Effect.void
        : Effect.ignore(fetchMissing(dht, kept.log, kept.asked), { log: "Debug" })
    )

  const lookAtOpened = (kept: KeptDocument) =>
    kept.untilOpened.pipe(
      Effect.andThen(Effect.sleep(compareSoon)),
      Effect.andThen(Effect.suspend(() => kept.sortOpened(peersOf(kept)))),
      Effect.forever
    )

  const takeTurns = (kept: KeptDocument) =>
    Effect.gen(function* () {
      const some = new Map([...kept.partners, ...peersOf(kept).map((contact) => [contact.key, contact] as const)])
      const peers = [...some.values()]
      if (peers.length > 0) kept.enqueue(peers[yield* Random.nextIntBetween(0, peers.length - 1)]!)
      else yield* lookFor(kept)
    }).pipe(Effect.schedule(comparePace))

  /** Those who said on the network that they have it open, as long as there are few here. */
  const search = (kept: KeptDocument) => {
    const cid = cidOfDigest(RAW, kept.topic)
    return Effect.gen(function* () {
      yield* Effect.ignore(dht.provide(cid, { lifetime: ANNOUNCED_FOR, keep: false }), { log: "Debug" })
      if (peersOf(kept).length >= WANTED_PEERS) return
      kept.asked.clear()
      const providers = yield* Effect.orElseSucceed(dht.findProviders(cid), () => [])
      for (const { nodeId } of providers.slice(0, PARTNERS)) {
        if (equalBytes(nodeId, identity.nodeId)) continue
        const known = sessions.find(keyOf(nodeId))?.contact
        const contact = known ?? (yield* queries.locate(nodeId)).closest.find(({ key }) => key === keyOf(nodeId))
        if (contact !== undefined) kept.enqueue(contact)
      }
      const knowsNothing = kept.log.extents().length === 0 && peersOf(kept).length === 0
      if (knowsNothing) yield* Effect.ignore(recover(kept.log), { log: "Debug" })
    }).pipe(Effect.repeat(searchPace))
  }

  /** A message is passed on when the log has judged what is in it. */
  const judge =
    (kept: KeptDocument) =>
    (message: Received): Effect.Effect<Verdict> => {
      const records = readPush(message.data)
      if (Result.isFailure(records)) return Effect.succeed("reject")
      return kept.log.admit(records.success).pipe(
        Effect.map((admitted): Verdict => {
          if (isFoul(admitted)) return "reject"
          if (kept.log.waiting() > 0) kept.enqueue(message.from)
          return "accept"
        }),
        Effect.orElseSucceed((): Verdict => "ignore")
      )
    }

  return Sync.of({
    keep: Effect.fnUntraced(function* (log, options) {
      const topic = suite.sha256(topicPreimage(log.channel)) as Topic
      const kept = new KeptDocument(log, topic, keyOf(identity.nodeId))
      yield* Effect.acquireRelease(
        Effect.sync(() => all.set(log.key, kept)),
        () => Effect.sync(() => all.delete(log.key))
      )
      const messages = yield* gossip.join(kept.topic, judge(kept))
      yield* Effect.forkScoped(Effect.forever(Queue.takeAll(messages)))
      yield* push(gossip, log, kept.topic)
      if (options?.storeFor !== undefined) yield* storeOwn(dht, log, options.storeFor)
      yield* Effect.forkScoped(work(kept))
      yield* Effect.forkScoped(lookAtOpened(kept))
      yield* Effect.forkScoped(takeTurns(kept))
      if (options?.discover !== false) yield* Effect.forkScoped(search(kept))
      for (const contact of peersOf(kept)) kept.enqueue(contact)
      for (const { contact } of sessions.list()) kept.hasOpened(contact)
    }),
    compare,
    publish,
    peers: (log) => {
      const kept = all.get(log.key)
      return kept === undefined ? [] : peersOf(kept)
    }
  })
})

export const layer = Layer.effect(Sync, make)
