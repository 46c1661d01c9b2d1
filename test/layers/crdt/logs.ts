/** Logs without a network: each author has a store and a document of his own. */
import { Context, Effect, Layer } from "effect"
import { channelIdOf, policyHash } from "#core/oplog/channel"
import { signOp } from "#core/oplog/signOp"
import { DocumentReplica } from "#layers/crdt/DocumentReplica"
import * as StoredOpLog from "#layers/crdt/StoredOpLog"
import * as MemoryOpStore from "#layers/storage/MemoryOpStore"
import type { UnsignedOp } from "#schemas/dht/Op"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { type Log, OpLog } from "#services/crdt/OpLog"
import { OpStore } from "#services/storage/OpStore"
import { identity, networkId, signingOf, suite } from "../dht/fixtures.ts"

export const genesisOf = (creator: string, policy: "open" | "granted" = "open") => ({
  creator: signingOf(creator).publicKey as PublicKey,
  nonce: new Uint8Array(16).fill(7),
  policy: policyHash(suite, policy)
})

export const genesis = genesisOf("alice")
export const channel = channelIdOf(suite, genesis)

export interface Writer {
  readonly log: Log
  readonly replica: DocumentReplica
  readonly store: OpStore["Service"]
  /** Edits, signs and saves, as Documents does. */
  readonly write: (edit: (replica: DocumentReplica) => void) => Effect.Effect<void>
  /** A text with this in it. */
  readonly type: (text: string, at?: number) => Effect.Effect<void>
  readonly text: () => string
  /** Every record from the beginning. */
  readonly records: Effect.Effect<ReadonlyArray<Uint8Array>>
}

interface WriterOptions {
  readonly saved?: MemoryOpStore.SavedOps
  readonly of?: ReturnType<typeof genesisOf>
  readonly grants?: ReadonlyArray<Uint8Array>
}

export const writer = Effect.fnUntraced(function* (name: string, options: WriterOptions = {}) {
  const store = MemoryOpStore.make(options.saved)
  const context = yield* Layer.build(
    StoredOpLog.layer.pipe(Layer.provide(Layer.succeed(OpStore, store)), Layer.provide(identity(name)))
  )
  const signing = signingOf(name)
  const replica = new DocumentReplica(signing.publicKey as PublicKey)
  const from = options.of ?? genesis
  const log = yield* Context.get(context, OpLog)
    .open({ channel: channelIdOf(suite, from), genesis: from, signing, grants: options.grants, replica })
    .pipe(Effect.orDie)
  const write: Writer["write"] = (edit) =>
    Effect.suspend(() => {
      for (const batch of replica.document.transact(() => edit(replica))) log.append(batch)
      return Effect.orDie(log.save)
    })
  const all = () => log.extents().map(({ author, first, seq }) => ({ author, from: first, to: seq }))
  const made: Writer = {
    log,
    replica,
    store,
    write,
    type: (text, at = 0) => write(({ document }) => document.text("t").insert(at, text)),
    text: () => replica.document.text("t").toString(),
    records: Effect.suspend(() => Effect.orDie(log.read(all())))
  }
  return made
})

export const signed = (name: string, fields: Partial<Omit<UnsignedOp, "author">> = {}): Uint8Array =>
  signOp(
    { signing: signingOf(name), networkId },
    {
      channel,
      epoch: new Uint8Array(32),
      seq: 1,
      lamport: 1,
      parents: [],
      genesis,
      grants: [],
      ciphertext: new Uint8Array(0),
      ...fields
    }
  )
