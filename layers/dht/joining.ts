/**
 * One round of joining: the table of the last run is put back, and some of its peers are met; then, where few of them
 * live, the bootstrap list; then a lookup of the own id, which introduces this node to its neighbours.
 */
import { Clock, Effect, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { NodeId } from "#schemas/identity/NodeId"
import type { Address } from "#schemas/transport/Address"
import { BootstrapFailed } from "#services/dht/Bootstrap"
import { ENOUGH_SAVED, JOINS, SAVED_FOR, SAVED_PEERS_TRIED, SAVED_REACHED } from "#services/dht/Limits"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { BootstrapTimeout } from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SessionManager } from "#services/session/SessionManager"
import { PeerStore, type StoredPeer } from "#services/storage/PeerStore"

/** What came of a round so far. */
interface Progress {
  reached: number
  /** By address: why nobody was reached there, or not yet. */
  readonly tried: Map<string, string>
}

interface Saved {
  readonly contact: Contact
  /** Unix seconds. */
  readonly verifiedAt: number
  readonly isFresh: boolean
}

const UNANSWERED = "transport: no answer in time"

export const makeRound = Effect.fnUntraced(function* (list: ReadonlyArray<Address>) {
  const { nodeId } = yield* Identity
  const [book, clock, store] = [yield* KnownPeers, yield* Clock.Clock, yield* PeerStore]
  const [sessions, queries, table] = [yield* SessionManager, yield* QueryExecutor, yield* RoutingTable]
  const timeout = yield* BootstrapTimeout

  const dial = (progress: Progress, id: NodeId, addresses: ReadonlyArray<Address>, trusted: boolean, name: string) => {
    progress.tried.set(name, UNANSWERED)
    return Effect.match(sessions.connect({ nodeId: id, addresses, trusted }), {
      onFailure: ({ layer, reason }) => void progress.tried.set(name, `${layer}: ${reason}`),
      onSuccess: () => {
        progress.reached++
        progress.tried.delete(name)
      }
    })
  }

  /** A few at a time, until `enough` were reached. */
  const inTurns = (progress: Progress, enough: number, dials: ReadonlyArray<Effect.Effect<void>>) =>
    Effect.forEach(dials, (it) => Effect.suspend(() => (progress.reached < enough ? it : Effect.void)), {
      concurrency: JOINS,
      discard: true
    })

  /** Latest verified first. Their records are checked as if a stranger had sent them: the file may be somebody else's. */
  const savedPeers = Effect.map(
    Effect.catch(store.load, (error) =>
      Effect.as(Effect.logWarning("the saved routing table could not be read", error), [] as ReadonlyArray<StoredPeer>)
    ),
    (saved) => {
      const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
      return saved.flatMap(({ lastSeen, record }): ReadonlyArray<Saved> => {
        const contact = book.admit(record, now)
        if (Result.isFailure(contact) || contact.success.key === sessions.self().key) return []
        return [{ contact: contact.success, verifiedAt: Math.min(lastSeen, now), isFresh: lastSeen > now - SAVED_FOR }]
      })
    }
  )

  const trySaved = (progress: Progress) =>
    Effect.flatMap(savedPeers, (saved) => {
      // The table keeps its contacts by when they were last heard of.
      for (const { contact, isFresh, verifiedAt } of saved.toReversed()) if (isFresh) table.restore(contact, verifiedAt)
      const dials = saved
        .slice(0, SAVED_PEERS_TRIED)
        .map(({ contact: it }) =>
          dial(progress, it.nodeId, it.addresses, false, it.addresses[0]?.text ?? "a saved peer without an address")
        )
      return inTurns(progress, SAVED_REACHED, dials)
    })

  const tryList = (progress: Progress) =>
    Effect.suspend(() =>
      inTurns(
        progress,
        Number.POSITIVE_INFINITY,
        list.map((address) => {
          if (address.peer !== undefined) return dial(progress, address.peer, [address], true, address.toString())
          progress.tried.set(address.toString(), "address: it does not end in /p2p/ and a node id")
          return Effect.void
        })
      )
    )

  const greet = (progress: Progress) =>
    Effect.andThen(
      trySaved(progress),
      Effect.suspend(() => (progress.reached < ENOUGH_SAVED ? tryList(progress) : Effect.void))
    )

  /** Whether the lookup comes to its end in time or not: whoever has a session has joined. */
  const introduce = Effect.asVoid(Effect.timeoutOption(queries.lookupNode(nodeId), timeout))

  /** Fails where nobody was reached; nobody to try is no failure, since others will come. */
  return Effect.suspend(() => {
    const progress: Progress = { reached: 0, tried: new Map() }
    return Effect.flatMap(Effect.timeoutOption(greet(progress), timeout), (): Effect.Effect<void, BootstrapFailed> => {
      if (progress.reached > 0) return introduce
      const tried = [...progress.tried].map(([address, reason]) => ({ address, reason }))
      return tried.length === 0 ? Effect.void : Effect.fail(new BootstrapFailed({ tried }))
    })
  })
})
