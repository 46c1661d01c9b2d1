/**
 * The users of a simulated network: they put, get, update, read and look up, each kind at random times with the plan's
 * rate, at nodes that run; and they remember what they were told, and notice when they are given something else.
 */
import { createHash } from "node:crypto"
import { Context, Effect, Exit, Stream } from "effect"
import { suite } from "#layers/identity/NodeCrypto"
import { equalBytes, utf8 } from "#schemas/bytes/bytes"
import * as Mutable from "#schemas/dht/Mutable"
import { RecordKind } from "#schemas/dht/Record"
import type { Workload } from "#schemas/simulation/Plan"
import { Blobs } from "#services/content/Blobs"
import { Dht, type PutReceipt } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { Identity } from "#services/identity/Identity"
import type { Dice } from "../Dice.ts"
import type { SimulatedNode } from "../SimulatedNode.ts"
import { EPOCH } from "../time/ProcessClock.ts"
import { sendLetter } from "./letters.ts"
import { MARKER } from "./marker.ts"
import type { Simulation } from "./Simulation.ts"

const BLOCK_BYTES = 4_096
const VALUE_BYTES = 512
/** Mutable records of each node. */
const SALTS = 4
/** Reads in a herd: a peer answers 256 at a time. */
const HERD = 400
/** Seconds that a put is left alone before somebody asks for it. */
const SETTLED = 10

/** What a user sees that must not be; `onReceipt` is told of every acknowledged put. */
export interface Witness {
  readonly onWrong: (detail: string) => void
  readonly onReceipt: (
    node: SimulatedNode,
    kind: number,
    receipt: PutReceipt & { readonly seq?: number },
    begun: number
  ) => void
}

const bytesFrom = (dice: Dice, most: number): Uint8Array => {
  const bytes = new Uint8Array(MARKER.length + 8 + dice.int(most - MARKER.length - 8))
  bytes.set(MARKER)
  for (let at = MARKER.length; at < bytes.length; at++) bytes[at] = dice.int(256)
  return bytes
}

/** Begins; `isOver` ends it. */
export const startUsers = (simulation: Simulation, witness: Witness, isOver: () => boolean): void => {
  const { plan, world } = simulation
  const [dice, letters] = [world.dice.fork("users"), world.dice.fork("letters")]
  const { ledger } = simulation
  const seconds = () => Math.floor((EPOCH + world.time.now) / 1000)

  const entryOf = (kind: number) => {
    const old = ledger.entries.filter(
      (it) => it.kind === kind && it.at <= world.time.now - SETTLED * 1000 && it.expires > seconds() + 60
    )
    return old.length === 0 ? undefined : dice.pick(old)
  }

  const put = (node: SimulatedNode): void => {
    const value = bytesFrom(dice, BLOCK_BYTES)
    ledger.begins(suite.sha256(value), value)
    const begun = world.time.now
    simulation.ask(
      "put",
      node,
      Effect.flatMap(Dht, (dht) => dht.putBlock(value)),
      (exit, took) => {
        simulation.count("put", exit, took, Exit.isSuccess(exit) ? exit.value.lookup.requests + exit.value.reached : 0)
        if (Exit.isFailure(exit)) return
        const { expires, holders, key, reached } = exit.value
        const common = { seq: 0, value, author: node.number, salt: new Uint8Array(0), begun, at: world.time.now }
        ledger.add({ kind: RecordKind.Block, key, expires, holders, reached, ...common })
        witness.onReceipt(node, RecordKind.Block, exit.value, begun)
      }
    )
  }

  const update = (node: SimulatedNode): void => {
    if (node.services === undefined) return
    const value = bytesFrom(dice, VALUE_BYTES)
    const salt = utf8(`salt ${dice.int(SALTS)}`)
    const { publicKey } = Context.get(node.services, Identity)
    ledger.begins(suite.sha256(Mutable.keyPreimage(publicKey, salt)), value)
    const begun = world.time.now
    simulation.ask(
      "update",
      node,
      Effect.flatMap(Dht, (dht) => dht.putMutable(salt, value)),
      (exit, took) => {
        simulation.count(
          "update",
          exit,
          took,
          Exit.isSuccess(exit) ? exit.value.lookup.requests + exit.value.reached : 0
        )
        if (Exit.isFailure(exit)) return
        const { expires, holders, key, reached, seq } = exit.value
        const common = { seq, value, author: node.number, salt, begun, at: world.time.now }
        ledger.add({ kind: RecordKind.Mutable, key, expires, holders, reached, ...common })
        witness.onReceipt(node, RecordKind.Mutable, exit.value, begun)
      }
    )
  }

  const get = (node: SimulatedNode): void => {
    const entry = entryOf(RecordKind.Block)
    if (entry === undefined) return
    simulation.ask(
      "get",
      node,
      Effect.flatMap(Dht, (dht) => dht.getBlock(entry.key)),
      (exit, took) => {
        simulation.count("get", exit, took)
        if (Exit.isSuccess(exit) && !equalBytes(exit.value, entry.value)) {
          witness.onWrong(`node ${node.number} was given other bytes than were put by node ${entry.author}`)
        }
      }
    )
  }

  const read = (node: SimulatedNode): void => {
    const entry = entryOf(RecordKind.Mutable)
    const author = entry === undefined ? undefined : world.nodes[entry.author]?.services
    if (entry === undefined || author === undefined) return
    const { publicKey } = Context.get(author, Identity)
    simulation.ask(
      "read",
      node,
      Effect.flatMap(Dht, (dht) => dht.getMutable(publicKey, entry.salt)),
      (exit, took) => {
        simulation.count("read", exit, took)
        if (Exit.isSuccess(exit) && !ledger.wasWritten(entry.key, exit.value.value)) {
          witness.onWrong(`node ${node.number} read what node ${entry.author} never wrote`)
        }
      }
    )
  }

  /** Not many of them need to find it: what counts is that none waits for ever. */
  const herd = (node: SimulatedNode): void => {
    const entry = entryOf(RecordKind.Mutable)
    const author = entry === undefined ? undefined : world.nodes[entry.author]?.services
    if (entry === undefined || author === undefined) return
    const { publicKey } = Context.get(author, Identity)
    const one = Effect.flatMap(Dht, (dht) => Effect.exit(dht.getMutable(publicKey, entry.salt)))
    const all = Effect.forEach(Array(HERD), () => one, { concurrency: HERD, discard: true })
    simulation.ask("herd", node, all, (exit, took) => simulation.count("herd", exit, took, 0))
  }

  const lookup = (node: SimulatedNode): void => {
    const target = new Uint8Array(32).map(() => dice.int(256))
    simulation.ask(
      "lookup",
      node,
      Effect.flatMap(QueryExecutor, (it) => it.lookupNode(target)),
      (exit, took) => {
        simulation.count("lookup", exit, took, Exit.isSuccess(exit) ? exit.value.report.requests : 0)
        if (Exit.isFailure(exit)) return
        const { hops } = exit.value.report
        for (let n = simulation.hops.length; n <= hops; n++) simulation.hops[n] = 0
        simulation.hops[hops] = (simulation.hops[hops] ?? 0) + 1
      }
    )
  }

  const file = (node: SimulatedNode): void => {
    const bytes = Buffer.alloc(plan.workload.fileBytes)
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(dice.int(2 ** 32), Math.min(at, bytes.length - 4))
    const digest = createHash("sha256").update(bytes).digest("hex")
    simulation.ask(
      "file",
      node,
      Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.make(bytes))),
      (exit, took) => {
        simulation.count("file", exit, took)
        if (Exit.isSuccess(exit)) simulation.after(SETTLED, () => fetch(exit.value.cid, digest))
      }
    )
  }

  const fetch = (cid: Parameters<Blobs["Service"]["get"]>[0], digest: string): void => {
    const node = simulation.anybody(dice)
    if (node === undefined) return
    const hash = createHash("sha256")
    const whole = Effect.flatMap(Blobs, (blobs) =>
      Stream.runForEach(blobs.get(cid), (part) => Effect.sync(() => void hash.update(part)))
    )
    simulation.ask("fetch", node, whole, (exit, took) => {
      simulation.count("fetch", exit, took)
      if (Exit.isSuccess(exit) && hash.digest("hex") !== digest) {
        witness.onWrong(`node ${node.number} fetched another file than was put`)
      }
    })
  }

  /** Poisson arrivals: the times between two are exponential. */
  const keepDoing = (perMinute: number, act: (node: SimulatedNode) => void, chance = dice): void => {
    if (perMinute === 0) return
    const next = (): void =>
      simulation.after(chance.exponential(60 / perMinute), () => {
        if (isOver()) return
        const node = simulation.anybody(chance)
        if (node !== undefined) act(node)
        next()
      })
    next()
  }

  const rates: Workload = plan.workload
  keepDoing(rates.puts, put)
  keepDoing(rates.gets, get)
  keepDoing(rates.updates, update)
  keepDoing(rates.reads, read)
  keepDoing(rates.lookups, lookup)
  keepDoing(rates.herds ?? 0, herd)
  keepDoing(rates.messages ?? 0, () => sendLetter(simulation, letters), letters)
  if (rates.fileBytes >= 4) keepDoing(rates.files, file)
}
