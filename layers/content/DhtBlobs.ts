/**
 * Blobs over the DHT: every leaf and node is a block of its own, found under its digest (DESIGN.md §2).
 *
 * What is in memory is bounded whatever the size: the blocks in flight, and one open node a level of the DAG. A reader
 * trusts no one: the DHT checks each block against its digest, and each node is checked here against the shape that
 * its length asks for.
 */
import { Clock, Effect, Layer, Result, Stream } from "effect"
import { Chunker } from "#core/content/Chunker"
import { DagBuilder } from "#core/content/DagBuilder"
import { heightFor, lengthUnder, misshapen } from "#core/content/dagShape"
import { type Cid, cidText, codecOf, DAG_CBOR, digestOf, RAW } from "#schemas/content/Cid"
import { type DagChild, LEAF_LENGTH, read as readNode } from "#schemas/content/DagNode"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { BlobIncomplete, type BlobReceipt, Blobs, BlobUnreadable, type Progress } from "#services/content/Blobs"
import {
  ANONYMOUS_BLOCKS_IN_FLIGHT,
  GET_READ_AHEAD,
  PROVIDER_HINTS,
  PUT_BLOCKS_IN_FLIGHT
} from "#services/content/Limits"
import { BlockAgain } from "#services/content/Schedules"
import { Dht, type OperationOptions, PrivacyUnavailable, type PutOptions, type PutReceipt } from "#services/dht/Dht"
import { Crypto } from "#services/identity/Crypto"
import { type Pin, PinStore } from "#services/storage/PinStore"
import { Tally } from "./Tally.ts"

interface WithProgress {
  readonly onProgress?: (progress: Progress) => void
}

/** A block on its way into the DHT; `leafBytes` is 0 for a node. */
interface Outgoing {
  readonly block: Uint8Array
  readonly leafBytes: number
}

/** A leaf or node to be fetched: its name and length, the level it stands on, the offset of its first byte. */
interface Piece extends DagChild {
  readonly height: number
  readonly at: number
}

/** One reading of one blob. */
interface Reading {
  readonly root: Cid
  readonly options: OperationOptions
  /** Filled once the providers are known; until then blocks are searched for. */
  providers: ReadonlyArray<NodeId>
}

const UNKEPT = "nothing of it stays here that could be refreshed: put it again before it dies"

type GetOptions = OperationOptions & WithProgress

export const make = Effect.gen(function* () {
  const [dht, suite, blockAgain] = [yield* Dht, yield* Crypto, yield* BlockAgain]
  const [pins, clock] = [yield* PinStore, yield* Clock.Clock]

  /** One pin for all of it: its blocks are refreshed together, at half of the life of the one that dies first. */
  const pin = (root: Cid, { bytes, expires, factor, replicas }: Tally, before: Pin | undefined) => {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    return pins.put([
      {
        kind: RecordKind.Block,
        key: digestOf(root),
        tree: codecOf(root) === DAG_CBOR,
        factor,
        priority: before?.priority ?? 0,
        created: before?.created ?? now,
        refreshed: now,
        due: now + Math.max(1, Math.floor((expires - now) / 2)),
        size: bytes,
        // This node is one of the holders that a receipt counts.
        copies: Math.max(0, replicas - 1),
        proven: before?.proven ?? -1
      }
    ])
  }

  const put = Effect.fn("DhtBlobs.put")(function* <E>(
    content: Stream.Stream<Uint8Array, E>,
    { keep, onProgress, ...options }: PutOptions & WithProgress = {}
  ) {
    const isAnonymous = options.privacy === "anonymous"
    if (isAnonymous && keep === true) return yield* new PrivacyUnavailable({ reason: UNKEPT })
    const builder = new DagBuilder(suite.sha256)
    const tally = new Tally()
    const count = (receipt: PutReceipt, leafBytes: number): void => {
      tally.add(receipt, leafBytes)
      onProgress?.({ bytes: tally.bytes, total: undefined, blocks: tally.blocks })
    }
    const store = ({ block, leafBytes }: Outgoing) =>
      Effect.map(dht.putBlock(block, { ...options, keep: false }), (receipt) => count(receipt, leafBytes))
    yield* outgoingOf(content, builder).pipe(
      Stream.mapEffect(store, {
        concurrency: isAnonymous ? ANONYMOUS_BLOCKS_IN_FLIGHT : PUT_BLOCKS_IN_FLIGHT,
        unordered: true
      }),
      Stream.runDrain
    )
    const root = builder.finish()
    yield* Effect.forEach(root.nodes, (block) => store({ block, leafBytes: 0 }), { discard: true })
    if (!isAnonymous) {
      if (keep ?? options.lifetime === undefined)
        yield* pin(root.cid, tally, yield* pins.find(RecordKind.Block, digestOf(root.cid)))
      // For the rest the content is stored by now, and only slower to find where nobody took the announcement.
      yield* Effect.catchTag(dht.provide(root.cid, options), "PutRefused", ({ refusals }) =>
        Effect.logWarning("no node took the announcement", { refusals })
      )
    }
    return { cid: root.cid, ...tally, holders: tally.holdersOf(digestOf(root.cid)) } satisfies BlobReceipt
  })

  const fetch = Effect.fnUntraced(
    function* (reading: Reading, piece: Piece) {
      const block = yield* Effect.retry(
        Effect.suspend(() =>
          dht.getBlock(digestOf(piece.cid), { ...reading.options, hints: hintsFor(reading, piece) })
        ),
        blockAgain
      )
      if (piece.height === 0 && block.length !== piece.size) {
        return yield* unreadable(reading.root, "a leaf is not as long as its node says")
      }
      return block
    },
    (effect, { root }, { cid, at }) =>
      Effect.catchTags(effect, {
        NotFound: ({ asked }) => new BlobIncomplete({ cid: cidText(root), blockCid: cidText(cid), at, asked }),
        StorageFailed: ({ operation }) => unreadable(root, `this node's storage failed: ${operation}`),
        PrivacyUnavailable: ({ reason }) => unreadable(root, `this cannot be done anonymously: ${reason}`)
      })
  )

  /** The leaves below a node, in order; the nodes between are fetched when the reader comes near them. */
  const leavesUnder = (
    reading: Reading,
    node: Piece,
    block: Uint8Array
  ): Stream.Stream<Piece, BlobUnreadable | BlobIncomplete> => {
    const read = piecesOf(node, block)
    if (Result.isFailure(read)) return Stream.fail(unreadable(reading.root, read.failure))
    const pieces = Stream.fromArray(read.success)
    return node.height === 1
      ? pieces
      : Stream.flatMap(pieces, (piece) =>
          Stream.unwrap(Effect.map(fetch(reading, piece), (block) => leavesUnder(reading, piece, block)))
        )
  }

  const open = Effect.fnUntraced(function* (root: Cid, { onProgress, ...options }: GetOptions) {
    const codec = codecOf(root)
    if (codec !== RAW && codec !== DAG_CBOR) {
      return yield* unreadable(root, `content of codec 0x${codec.toString(16)} is not stored here`)
    }
    const reading: Reading = { root, options, providers: [] }
    // Of the root nothing is known beforehand, so it is taken for a node whose length its children tell.
    const block = yield* fetch(reading, { cid: root, size: 0, height: Number.NaN, at: 0 })
    const tally = { bytes: 0, blocks: 0 }
    const count = (total: number) => (leaf: Uint8Array) => {
      tally.bytes += leaf.length
      tally.blocks++
      onProgress?.({ bytes: tally.bytes, total, blocks: tally.blocks })
      return leaf
    }
    if (codec === RAW) return Stream.map(Stream.succeed(block), count(block.length))

    const size = Result.match(readNode(block), {
      onFailure: () => undefined,
      onSuccess: (it) => lengthUnder(it.children)
    })
    if (size === undefined) return yield* unreadable(root, "it is not the root of a blob")
    const isAnonymous = options.privacy === "anonymous"
    // Beside the reading, not before it: the first blocks need not wait for what makes the later ones cheap. Delegates
    // ask whom they find.
    if (!isAnonymous) {
      yield* dht.findProviders(root, options).pipe(
        Effect.tap((found) => Effect.sync(() => (reading.providers = found.map(({ nodeId }) => nodeId)))),
        Effect.ignore({ log: "Debug" }),
        Effect.forkScoped
      )
    }
    const concurrency = isAnonymous ? ANONYMOUS_BLOCKS_IN_FLIGHT : GET_READ_AHEAD
    return leavesUnder(reading, { cid: root, size, height: heightFor(size), at: 0 }, block).pipe(
      Stream.mapEffect((piece) => fetch(reading, piece), { concurrency }),
      Stream.map(count(size))
    )
  })

  return Blobs.of({ put, get: (cid, options = {}) => Stream.unwrap(open(cid, options)) })
})

export const layer = Layer.effect(Blobs, make)

/** Leaves and the nodes they complete, cut as the DHT takes them. */
const outgoingOf = <E>(content: Stream.Stream<Uint8Array, E>, builder: DagBuilder): Stream.Stream<Outgoing, E> => {
  const chunker = new Chunker()
  const withNodes = function* (leaves: Iterable<Uint8Array>): Generator<Outgoing> {
    for (const leaf of leaves) {
      const nodes = builder.add(leaf)
      yield { block: leaf, leafBytes: leaf.length }
      for (const block of nodes) yield { block, leafBytes: 0 }
    }
  }
  // One at a time: a larger row would hold as many leaves in memory besides those in flight.
  const stream = (leaves: Iterable<Uint8Array>) => Stream.fromIterable(withNodes(leaves), { chunkSize: 1 })
  return Stream.concat(
    Stream.flatMap(content, (bytes) => stream(chunker.push(bytes))),
    Stream.suspend(() => {
      const last = chunker.finish()
      return stream(last === undefined ? [] : [last])
    })
  )
}

const unreadable = (cid: Cid, reason: string) => new BlobUnreadable({ cid: cidText(cid), reason })

/** What stands below a node, checked against what its length asks for. */
const piecesOf = (node: Piece, block: Uint8Array): Result.Result<ReadonlyArray<Piece>, string> =>
  Result.flatMap(readNode(block), ({ children }) => {
    const wrong = misshapen(children, node.size, node.height)
    if (wrong !== undefined) return Result.fail(wrong)
    let at = node.at
    return Result.succeed(
      children.map((child) => {
        const piece: Piece = { ...child, height: node.height - 1, at }
        at += child.size
        return piece
      })
    )
  })

/** Each block asks another provider first, so that several share the work. */
const hintsFor = ({ providers }: Reading, { at }: Piece): ReadonlyArray<NodeId> => {
  if (providers.length === 0) return providers
  const first = Math.floor(at / LEAF_LENGTH) % providers.length
  return [...providers.slice(first), ...providers.slice(0, first)].slice(0, PROVIDER_HINTS)
}
