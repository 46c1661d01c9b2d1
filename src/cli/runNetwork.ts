/**
 * What `allium network` does: starts a network and tells a story with it. Content put on one node is found from
 * another, and again after a node that held it has gone; a name set on one node is read on another.
 */
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, References, Stream } from "effect"
import { equalBytes, utf8 } from "#schemas/bytes/bytes"
import { cidText, digestOf } from "#schemas/content/Cid"
import { didOf } from "#schemas/identity/PublicKey"
import type { BlobReceipt } from "#services/content/Blobs"
import { CellLog } from "./cellLog.ts"
import { healthText } from "./explaining.ts"
import { failure } from "./Failure.ts"
import { type LocalNode, startNode } from "./localNetwork.ts"
import { paintOut, size } from "./output.ts"
import { endsOnSignal } from "./runMain.ts"
import { toFailure } from "./sentences.ts"
import { type Teller, teller } from "./teller.ts"
import { whisper } from "./whisper.ts"

export interface NetworkOptions {
  readonly nodes: number
  readonly once: boolean
  readonly file: string | undefined
  readonly json: boolean
}

/** Fewer than the nodes, so that there is something to see: not everybody holds everything. */
const COPIES = 3
const MADE_UP_BYTES = 2 * 1024 * 1024
const BLOCK_KIND = 0
const NAME = "greeting"
/** Rounds of comparing: in the first somebody may find that the one who stopped does not answer. */
const ROUNDS = 3

/** For the first node to have met those who shall hold what it puts. */
const PATIENCE = "20 seconds"

export const runNetwork = Effect.fnUntraced(
  function* (options: NetworkOptions) {
    const tell = teller(options.json)
    const content = yield* contentOf(options.file)
    const folder = yield* temporaryFolder
    const log = new CellLog()
    const nodes = yield* start(tell, folder, options.nodes, log)

    const [first] = nodes
    const receipt = yield* tell.timed("put", first.blobs.put(Stream.make(content.bytes)), (receipt) => ({
      text: `${paintOut.bold("node-1")} stored ${content.name} (${size(receipt.bytes)}) as ${paintOut.cyan(cidText(receipt.cid))}`,
      data: { node: "node-1", cid: cidText(receipt.cid), bytes: receipt.bytes, blocks: receipt.blocks }
    }))
    const holders = yield* showReplicas(tell, nodes, receipt)

    const others = nodes.filter((node) => node !== first)
    const reader = others.find((node) => !holders.includes(node)) ?? others[0] ?? first
    yield* fetchFrom(tell, reader, receipt, content.bytes)
    yield* nameAndRead(tell, first, reader)
    yield* whisper(tell, nodes, log)

    const victim = holders.find((node) => node !== reader) ?? first
    yield* tell.timed("stop", victim.stop, () => ({
      text: `${paintOut.bold(victim.name)} stopped, and its copies with it`,
      data: { node: victim.name }
    }))
    const last = others.find((node) => node !== reader && node !== victim) ?? reader
    yield* fetchFrom(tell, last, receipt, content.bytes)
    yield* tell.timed("explain", last.diagnostics.content(receipt.cid), (found) => ({
      text: `${paintOut.bold(last.name)} asked around, the root is ${healthText(found)}`,
      data: { node: last.name, health: found.health, holders: found.holders, target: found.target }
    }))
    const live = nodes.filter((node) => node !== victim)
    yield* tell.timed("heal", heal(live, last, receipt), (found) => ({
      text: `the others compared what they hold, the root is ${healthText(found)}`,
      data: { health: found.health, holders: found.holders, target: found.target }
    }))

    if (options.once) return
    yield* endsOnSignal
    yield* tell.stayUp(last, receipt)
    yield* Effect.never
  },
  Effect.scoped,
  Effect.mapError(toFailure),
  // The story is the log; a node that was stopped on purpose is no news to the others.
  Effect.provideService(References.MinimumLogLevel, "Error")
)

const contentOf = (file: string | undefined) =>
  Effect.try({
    try: () =>
      file === undefined
        ? { name: "a made-up file", bytes: madeUp(MADE_UP_BYTES) }
        : { name: file, bytes: new Uint8Array(readFileSync(file)) },
    catch: () => failure(`${file} cannot be read: check its name and permissions`)
  })

/** Reproducible, and no two blocks alike. */
const madeUp = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 32) bytes.set(createHash("sha256").update(`allium ${at}`).digest(), at)
  return bytes
}

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-network-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const start = Effect.fnUntraced(function* (tell: Teller, folder: string, count: number, log: CellLog) {
  const settings = { replicationFactor: Math.min(COPIES, count - 1) }
  const describe = (node: LocalNode) => ({
    text: `${paintOut.bold(node.name)} listens on ${paintOut.dim(node.address)}`,
    data: { node: node.name, address: node.address, control: node.control, folder: node.folder }
  })
  const first = yield* tell.timed("start", startNode(folder, "node-1", { ...settings, bootstrap: [] }, log), describe)
  const rest = yield* Effect.forEach(
    Array.from({ length: count - 1 }, (_, index) => `node-${index + 2}`),
    (name) => tell.timed("start", startNode(folder, name, { ...settings, bootstrap: [first.address] }, log), describe)
  )
  const nodes = [first, ...rest] as const
  // Who was there first has joined as soon as it starts, and on a busy machine it has met nobody by then.
  const acquainted = Effect.timeoutOption(first.knows(Math.min(count - 1, COPIES)), PATIENCE)
  const joined = Effect.forEach(nodes, (node) => node.joined, { concurrency: count, discard: true })
  yield* tell.timed("join", Effect.andThen(joined, acquainted), () => ({
    text: `all ${count} nodes found each other`,
    data: { nodes: count }
  }))
  return nodes
})

/** Tells what each node holds; answers those that hold the root block. */
const showReplicas = Effect.fnUntraced(function* (tell: Teller, nodes: ReadonlyArray<LocalNode>, receipt: BlobReceipt) {
  const holders: Array<LocalNode> = []
  for (const node of nodes) {
    const held = yield* node.store.get(BLOCK_KIND, digestOf(receipt.cid))
    const usage = yield* node.store.usage()
    if (held.length > 0) holders.push(node)
    yield* tell.line("replicas", {
      text: `${paintOut.bold(node.name)} holds ${size(usage.bytes)} in ${usage.records} records${held.length > 0 ? paintOut.green(", the root among them") : ""}`,
      data: { node: node.name, records: usage.records, bytes: usage.bytes, root: held.length > 0 }
    })
  }
  return holders
})

const fetchFrom = Effect.fnUntraced(function* (
  tell: Teller,
  node: LocalNode,
  receipt: BlobReceipt,
  expected: Uint8Array
) {
  const digest = createHash("sha256")
  const fetched = Stream.runForEach(node.blobs.get(receipt.cid), (bytes) =>
    Effect.sync(() => void digest.update(bytes))
  )
  yield* tell.timed("get", fetched, () => ({
    text: `${paintOut.bold(node.name)} fetched it, every block verified`,
    data: { node: node.name, cid: cidText(receipt.cid), bytes: receipt.bytes }
  }))
  if (!digest.digest().equals(createHash("sha256").update(expected).digest())) {
    return yield* failure(
      `${node.name} fetched other bytes than were stored: this is a defect of allium, please report it`
    )
  }
})

/** Sets a plain name on one node and reads it on another. */
const nameAndRead = Effect.fnUntraced(function* (tell: Teller, writer: LocalNode, reader: LocalNode) {
  const value = `hello from ${writer.name}`
  yield* tell.timed("set", writer.dht.putName(NAME, utf8(value)), ({ reached }) => ({
    text: `${paintOut.bold(writer.name)} set the name ${paintOut.cyan(NAME)} to "${value}"`,
    data: { node: writer.name, name: NAME, value, replicas: reached }
  }))
  const entry = yield* tell.timed(
    "read",
    Effect.map(reader.dht.getName(NAME), ([entry]) => entry),
    (entry) => ({
      text: `${paintOut.bold(reader.name)} read it, signed by ${paintOut.dim(entry === undefined ? "nobody" : didOf(entry.author))}`,
      data: { node: reader.name, name: NAME, value: entry === undefined ? null : new TextDecoder().decode(entry.value) }
    })
  )
  if (entry === undefined || !equalBytes(entry.value, utf8(value))) {
    return yield* failure(
      `${reader.name} read another value than was set: this is a defect of allium, please report it`
    )
  }
})

/** What neighbours do every hour, and a while after one of them has left: compare, and make up what is missing. */
const heal = Effect.fnUntraced(function* (live: ReadonlyArray<LocalNode>, asker: LocalNode, receipt: BlobReceipt) {
  for (let round = 1; ; round++) {
    yield* Effect.forEach(live, ({ replicator }) => replicator.syncNow, { concurrency: live.length, discard: true })
    const found = yield* asker.diagnostics.content(receipt.cid)
    if (found.health === "healthy" || round === ROUNDS) return found
  }
})
