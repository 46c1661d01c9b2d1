/** Opens one log: what is stored is handed to the replica, and from then on everything passes through one gate. */
import { Deferred, Effect, Result, Semaphore } from "effect"
import { channelIdOf, plainPolicyOf } from "#core/oplog/channel"
import { bytesOfKey, equalBytes, keyOf } from "#schemas/bytes/bytes"
import * as SnapshotContent from "#schemas/crdt/SnapshotContent"
import * as Genesis from "#schemas/dht/Genesis"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { type Log, LogDamaged, NotPlain } from "#services/crdt/OpLog"
import type { OpStore } from "#services/storage/OpStore"
import type { StorageFailed } from "#services/storage/RecordStore"
import { makeAdmission } from "./admitting.ts"
import { type LogSetup, LogState, storedOf } from "./LogState.ts"
import { makePages } from "./pages.ts"
import { authorsOf, headsOf, makeSnapshots } from "./snapshots.ts"

export const openLog = Effect.fnUntraced(function* (
  setup: LogSetup,
  genesis: Genesis.Genesis | undefined,
  store: OpStore["Service"]
) {
  const { channel, suite } = setup
  const state = new LogState(setup)
  const { graph } = state.intake
  const gate = yield* Semaphore.make(1)
  const alone = Semaphore.withPermit(gate)

  /** Within the gate. What could not be written stays in its place, for the next who saves. */
  const write = Effect.gen(function* () {
    const ops = [...state.unsaved]
    if (ops.length === 0) return
    yield* store.append(channel, ops.map(storedOf))
    state.unsaved = state.unsaved.slice(ops.length)
    state.saved(ops)
  })

  let waiting: Deferred.Deferred<void, StorageFailed> | undefined

  /** Whoever comes while another waits for the gate is served by the same commit. */
  const save = Effect.suspend(() => {
    if (state.unsaved.length === 0) return Effect.void
    if (waiting !== undefined) return Deferred.await(waiting)
    const done = (waiting = Deferred.makeUnsafe<void, StorageFailed>())
    const commit = alone(
      Effect.suspend(() => {
        waiting = undefined
        return write
      })
    )
    return Effect.uninterruptible(Effect.onExit(commit, (exit) => Deferred.done(done, exit)))
  })

  const learn = Effect.fnUntraced(function* (told: Genesis.Genesis) {
    if (state.genesis !== undefined) return false
    if (!equalBytes(channelIdOf(suite, told), channel)) return yield* new NotPlain({ reason: "another channel's" })
    if (plainPolicyOf(suite, told) === undefined) return yield* new NotPlain({ reason: "of a channel with a group" })
    const { creator, nonce, policy } = told
    const kept = { creator: creator.slice() as PublicKey, nonce: nonce.slice(), policy: policy.slice() }
    yield* store.keepGenesis(channel, Genesis.write(kept))
    state.genesis = kept
    return true
  })

  const admission = yield* makeAdmission(state, store, write)
  const snapshots = yield* makeSnapshots(state, store, write)
  yield* load(state, store, snapshots.beyond)
  const stored = yield* store.genesis(channel)
  const known = stored === undefined ? undefined : Result.getOrUndefined(Genesis.read(stored))
  if (known !== undefined) state.genesis = known
  else if (genesis !== undefined) yield* learn(genesis)

  const page = makePages(store, channel)
  const log: Log = {
    channel,
    key: keyOf(channel),
    author: setup.signing.publicKey as PublicKey,
    genesis: () => state.genesis,
    learn,
    append: (batch) => state.append(batch),
    next: () => graph.nextOf(state.authorKey),
    heads: () => headsOf(state),
    save,
    admit: (records) => alone(admission.admit(records)),
    settle: alone(admission.settle),
    extents: () => authorsOf(state),
    progress: {
      seqOf: (key) => graph.authors.get(key)?.seq ?? 0,
      haltedAt: (key) => graph.halted.get(key)
    },
    waiting: () => state.intake.early.size,
    missing: (limit) => state.intake.wanted(limit).map(bytesOfKey),
    read: (ranges) => Effect.map(page(ranges), (rows) => rows.map(({ bytes }) => bytes)),
    compact: Effect.uninterruptible(alone(snapshots.compact)),
    snapshot: store.snapshot(channel),
    adopt: (snapshot) => Effect.uninterruptible(alone(snapshots.adopt(snapshot))),
    proofs: store.proofs(channel),
    onDelivered: (listener) => {
      state.listeners.add(listener)
      return () => void state.listeners.delete(listener)
    }
  }
  return { log, state }
})

/** The stored snapshot, then what came after it, into graph and replica. */
const load = Effect.fnUntraced(function* (
  state: LogState,
  store: OpStore["Service"],
  beyond: Effect.Success<ReturnType<typeof makeSnapshots>>["beyond"]
) {
  const { channel, replica } = state.setup
  const { graph } = state.intake
  for (const { author, first, lamport, last, seq } of yield* store.extents(channel)) {
    graph.authors.set(keyOf(author), { first, seq, lamport, last: keyOf(last) })
  }
  for (const { id, lamport } of yield* store.heads(channel)) graph.heads.set(keyOf(id), lamport)
  const snapshot = yield* store.snapshot(channel)
  const base = new Map<string, number>()
  if (snapshot !== undefined) {
    const content = SnapshotContent.read(snapshot.bytes)
    if (Result.isFailure(content)) return yield* new LogDamaged({ reason: content.failure })
    for (const { author, lamport, seq } of content.success.authors) {
      base.set(keyOf(author), seq)
      graph.baseLamport = Math.max(graph.baseLamport, lamport)
    }
    const restarted = replica.restart(content.success.document, [])
    if (Result.isFailure(restarted)) return yield* new LogDamaged({ reason: restarted.failure })
  }
  let damage: string | undefined
  yield* beyond(
    (key) => base.get(key) ?? 0,
    (batch) =>
      Effect.sync(() => {
        const applied = replica.apply(batch)
        if (Result.isFailure(applied)) damage ??= applied.failure.word
      })
  ).pipe(Effect.catchTag("SnapshotRefused", ({ reason }) => new LogDamaged({ reason })))
  if (damage !== undefined) return yield* new LogDamaged({ reason: damage })
})
