/**
 * One comparison of a log with a peer's, both sides of it. The peer says how far it has come with each author; what is
 * missing is fetched in pages until all of that is here, or in a snapshot where the peer has nothing else any more.
 */
import { Effect, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { type AuthorExtent, missingFrom } from "#core/oplog/vectors"
import { compareBytes, concatBytes, keyOf } from "#schemas/bytes/bytes"
import { SNAPSHOT_LIMIT } from "#schemas/crdt/SnapshotContent"
import { type AuthorRow, ROWS_LIMIT } from "#schemas/crdt/SyncMessage"
import * as Genesis from "#schemas/dht/Genesis"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { DOCUMENT_AUTHORS, PAGES, PIECE_BYTES, SERVED_READS } from "#services/crdt/Limits"
import { type Admitted, type Log, OpLog, type SnapshotRecord } from "#services/crdt/OpLog"
import { COMPARE, FETCH, PIECE, UselessPeer } from "#services/crdt/Sync"
import { Bounds } from "#services/node/Bounds"
import { Rpc } from "#services/rpc/Rpc"
import { type DialTarget, SessionManager } from "#services/session/SessionManager"

const NOTHING = new Uint8Array(0)

const notOpen = new RpcFailure({ tag: "NotOpen", detail: "this node has not opened it", data: null })
const busy = new RpcFailure({ tag: "Busy", detail: "too much is read at present", data: null })
const failed = new RpcFailure({ tag: "Failed", detail: "the disk refused", data: null })

/** What no honest peer passes on. */
const FOUL = new Set(["malformed", "another channel", "not granted", "forged"])
export const isFoul = ({ refused }: Admitted): boolean => refused.some(({ refusal }) => FOUL.has(refusal))

const extentOf = ({ author, high, low }: AuthorRow): AuthorExtent => ({ author, first: low, seq: high })
const rowOf = ({ author, first, seq }: AuthorExtent): AuthorRow => ({ author, low: first, high: seq })

export interface Listeners {
  /** A peer has more than this node. */
  readonly behind: (log: Log, peer: Contact) => void
  /** A peer has told how the channel began. */
  readonly told: (log: Log, peer: Contact) => void
}

const genesisBytes = (log: Log): Uint8Array => {
  const genesis = log.genesis()
  return genesis === undefined ? NOTHING : Genesis.write(genesis)
}

/** Whether it was new; what is no genesis of this channel teaches nothing. */
const learn = (log: Log, bytes: Uint8Array) => {
  if (bytes.length === 0 || log.genesis() !== undefined) return Effect.succeed(false)
  const told = Genesis.read(bytes)
  if (Result.isFailure(told)) return Effect.succeed(false)
  return Effect.catchTag(log.learn(told.success), "NotPlain", () => Effect.succeed(false))
}

/** Answers peers. */
export const serveComparisons = Effect.fnUntraced(function* ({ behind, told }: Listeners) {
  const [rpc, logs] = [yield* Rpc, yield* OpLog]
  /** The last that was asked for in pieces; one, since it may be large. */
  let serving: (SnapshotRecord & { readonly key: string }) | undefined

  let reads = 0
  yield* (yield* Bounds).watch("reads of documents for peers", SERVED_READS, () => reads)

  const inTurn = <A>(read: Effect.Effect<A, RpcFailure>) =>
    Effect.suspend(() => {
      if (reads >= SERVED_READS) return Effect.fail(busy)
      reads++
      return Effect.ensuring(
        read,
        Effect.sync(() => reads--)
      )
    })

  const opened = (channel: Uint8Array) =>
    Effect.suspend(() => {
      const log = logs.find(keyOf(channel))
      return log === undefined ? Effect.fail(notOpen) : Effect.succeed(log)
    })

  yield* rpc.handle(COMPARE, ([channel, after, genesis, theirs], from) =>
    Effect.gen(function* () {
      const log = yield* opened(channel)
      if (yield* Effect.mapError(learn(log, genesis), () => failed)) told(log, from)
      const { inSnapshot, ranges } = missingFrom(theirs.map(extentOf), log.progress)
      if (inSnapshot || ranges.length > 0) behind(log, from)
      const rows = log.extents().filter(({ author }) => after.length === 0 || compareBytes(author, after) > 0)
      return [genesisBytes(log), rows.slice(0, ROWS_LIMIT).map(rowOf), rows.length > ROWS_LIMIT] as const
    })
  )
  yield* rpc.handle(FETCH, ([channel, ranges]) =>
    inTurn(
      Effect.flatMap(opened(channel), (log) =>
        Effect.mapError(
          log.read(ranges.map(({ author, high, low }) => ({ author, from: low, to: high }))),
          () => failed
        )
      )
    )
  )
  const pieceOf = Effect.fnUntraced(function* (channel: Uint8Array, offset: number) {
    const log = yield* opened(channel)
    if (offset === 0 || serving?.key !== log.key) {
      const snapshot = yield* Effect.mapError(log.snapshot, () => failed)
      serving = snapshot === undefined ? undefined : { ...snapshot, key: log.key }
    }
    if (serving === undefined) return [NOTHING, 0, NOTHING] as const
    return [serving.record, serving.bytes.length, serving.bytes.subarray(offset, offset + PIECE_BYTES)] as const
  })
  yield* rpc.handle(PIECE, ([channel, offset]) => inTurn(pieceOf(channel, offset)))
})

export const makeComparison = Effect.gen(function* () {
  const [rpc, sessions] = [yield* Rpc, yield* SessionManager]

  /** How far the peer has come with each author. */
  const extentsOf = Effect.fnUntraced(function* (log: Log, peer: DialTarget) {
    const all: Array<AuthorExtent> = []
    let after: Uint8Array = NOTHING
    let isNew = false
    for (;;) {
      const ours = after.length === 0 ? log.extents().slice(0, ROWS_LIMIT).map(rowOf) : []
      const [genesis, rows, more] = yield* rpc.call(peer, COMPARE, [log.channel, after, genesisBytes(log), ours])
      if (yield* learn(log, genesis)) isNew = true
      all.push(...rows.map(extentOf))
      const last = rows.at(-1)
      if (!more || last === undefined || compareBytes(last.author, after) <= 0) return { all, isNew }
      if (all.length > DOCUMENT_AUTHORS) return { all, isNew }
      after = last.author
    }
  })

  const snapshotOf = Effect.fnUntraced(function* (log: Log, peer: DialTarget) {
    const pieces: Array<Uint8Array> = []
    let [record, size, length]: [Uint8Array, number, number] = [NOTHING, 0, 0]
    do {
      const [of, whole, piece] = yield* rpc.call(peer, PIECE, [log.channel, length])
      if (length === 0) [record, size] = [of.slice(), whole]
      // It may have made another one meanwhile.
      else if (compareBytes(of, record) !== 0 || whole !== size) return yield* useless("its snapshot changed")
      if (size === 0 || size > SNAPSHOT_LIMIT || piece.length === 0) return yield* useless("no snapshot")
      pieces.push(piece.slice())
      length += piece.length
    } while (length < size)
    return { record, bytes: concatBytes(pieces) }
  })

  return Effect.fn("HeadsSync.compare")(function* (log: Log, peer: DialTarget) {
    const { all: theirs, isNew } = yield* extentsOf(log, peer)
    let taken = isNew ? 1 : 0
    if (missingFrom(theirs, log.progress).inSnapshot) {
      yield* log.adopt(yield* snapshotOf(log, peer))
      taken++
    }
    for (let page = 0; page < PAGES; page++) {
      const { ranges } = missingFrom(theirs, log.progress)
      if (ranges.length === 0) break
      const rows = ranges.slice(0, ROWS_LIMIT).map(({ author, from, to }) => ({ author, low: from, high: to }))
      const admitted = yield* log.admit(yield* rpc.call(peer, FETCH, [log.channel, rows]))
      taken += admitted.taken
      if (isFoul(admitted)) {
        sessions.charge(keyOf(peer.nodeId), "malformed")
        return yield* useless(admitted.refused[0]?.word ?? "")
      }
      if (admitted.taken === 0) break
    }
    // Whatever is still waited for is older than the snapshot, or it is not to be had from there.
    if (log.waiting() > 0 && missingFrom(theirs, log.progress).ranges.length === 0) taken += yield* log.settle
    return taken
  })
})

const useless = (reason: string) => new UselessPeer({ reason })
