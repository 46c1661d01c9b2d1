/**
 * Documents over logs that are kept equal. An edit is carried out and signed in one step, so that document and graph
 * never part, and is acknowledged when it is on the disk.
 */
import { Effect, Layer, PubSub, Queue, RcMap, Stream } from "effect"
import { channelIdOf, policyHash } from "#core/oplog/channel"
import { hexOf, keyOf } from "#schemas/bytes/bytes"
import * as Genesis from "#schemas/dht/Genesis"
import { PARENTS_LIMIT } from "#schemas/dht/Op"
import type { OpenOptions } from "#services/crdt/Documents"
import {
  type Document,
  type DocumentChange,
  Documents,
  GenesisUnknown,
  type OpenDocument
} from "#services/crdt/Documents"
import { CHANGES } from "#services/crdt/Limits"
import { type Log, OpLog } from "#services/crdt/OpLog"
import { Sync } from "#services/crdt/Sync"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { OpStore } from "#services/storage/OpStore"
import { DocumentReplica } from "./DocumentReplica.ts"

interface Wish extends OpenOptions {
  readonly channel: Uint8Array
  readonly genesis: Genesis.Genesis | undefined
}

const NO_OPERATIONS = new Uint8Array(0)

export const make = Effect.gen(function* () {
  const [suite, identity, random] = [yield* Crypto, yield* Identity, yield* SecureRandom]
  const [logs, sync, store] = [yield* OpLog, yield* Sync, yield* OpStore]
  /** What is being opened, by channel: the map below knows its keys alone. */
  const wishes = new Map<string, Wish>()

  const openNew = Effect.fnUntraced(function* (key: string) {
    const { channel, discover, genesis, grants, signing = identity.signing, storeFor } = wishes.get(key)!
    wishes.delete(key)
    const replica = new DocumentReplica(signing.publicKey as DocumentChange["author"])
    const log = yield* logs.open({ channel, genesis, signing, grants, replica })
    const changes = yield* Effect.acquireRelease(PubSub.sliding<DocumentChange>(CHANGES), PubSub.shutdown)
    const stop = log.onDelivered((delivered) => {
      for (const { author, isLocal, seq } of delivered) PubSub.publishUnsafe(changes, { author, seq, isLocal })
    })
    yield* Effect.addFinalizer(() => Effect.sync(stop))
    yield* sync.keep(log, { discover, storeFor })
    return documentOf(log, replica, changes, sync)
  })

  const open = yield* RcMap.make({ lookup: openNew })

  return Documents.of({
    create: Effect.fnUntraced(function* (policy = "open") {
      const genesis = { creator: identity.publicKey, nonce: random.bytes(16), policy: policyHash(suite, policy) }
      const channel = channelIdOf(suite, genesis)
      yield* store.keepGenesis(channel, Genesis.write(genesis))
      return { channel, genesis }
    }),
    open: Effect.fn("LiveDocuments.open")(function* (document, options) {
      const [channel, genesis] =
        document instanceof Uint8Array ? [document, undefined] : [channelIdOf(suite, document), document]
      const key = keyOf(channel)
      wishes.set(key, { ...options, channel, genesis })
      const opened = yield* Effect.ensuring(
        RcMap.get(open, key),
        Effect.sync(() => wishes.delete(key))
      )
      return opened
    }),
    forget: (channel) =>
      Effect.suspend(() => (logs.find(keyOf(channel)) === undefined ? store.forget(channel) : Effect.void))
  })
})

export const layer = Layer.effect(Documents, make)

const documentOf = (
  log: Log,
  replica: DocumentReplica,
  changes: PubSub.PubSub<DocumentChange>,
  sync: Sync["Service"]
): OpenDocument => {
  /** An operation names sixteen heads: where there are more, operations without content join them first. */
  const joinHeads = (): void => {
    while (log.heads().length > PARENTS_LIMIT) {
      const batch = { ...log.next(), operations: NO_OPERATIONS }
      replica.document.apply({ author: log.author, ...batch })
      log.append(batch)
    }
  }

  /** Synchronous: what was done before `change` threw is signed like everything. */
  const carryOut = <A>(change: (document: Document) => A): { readonly answer: A } => {
    joinHeads()
    const { document } = replica
    const stop = document.onBatch(({ lamport, operations, seq }) => log.append({ seq, lamport, operations }))
    try {
      let answer!: A
      document.transact(() => {
        answer = change(document)
      })
      return { answer }
    } finally {
      stop()
    }
  }

  return {
    channel: log.channel,
    genesis: log.genesis,
    document: () => replica.document,
    edit: Effect.fnUntraced(function* (change) {
      if (log.genesis() === undefined) return yield* new GenesisUnknown({ channel: hexOf(log.channel) })
      const { answer } = carryOut(change)
      yield* log.save
      return answer
    }),
    changes: Stream.fromPubSub(changes),
    observe: (part) =>
      Stream.callback(
        (queue) =>
          Effect.acquireRelease(
            Effect.sync(() => part(replica.document).observe((observed) => void Queue.offerUnsafe(queue, observed))),
            (stop) => Effect.sync(stop)
          ),
        { bufferSize: CHANGES, strategy: "dropping" }
      ),
    toJSON: () => replica.document.toJSON(),
    heads: () => log.heads().map(({ id }) => id),
    compact: Effect.asVoid(log.compact),
    publish: sync.publish(log),
    peers: () => sync.peers(log)
  }
}
