/** Records are where they belong, for as long as they live: looked at when the network has come to rest. */
import { Context, Effect, Exit, Result } from "effect"
import { compareDistance } from "#core/dht/distance"
import { suite } from "#layers/identity/NodeCrypto"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { Dht } from "#services/dht/Dht"
import { LEAST_LEFT } from "#services/dht/Limits"
import { Replicator } from "#services/dht/Replicator"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Identity } from "#services/identity/Identity"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import type { Dice } from "../Dice.ts"
import type { Entry } from "../run/Ledger.ts"
import type { Simulation } from "../run/Simulation.ts"
import type { SimulatedNode } from "../SimulatedNode.ts"
import { EPOCH } from "../time/ProcessClock.ts"
import type { Invariant } from "./Invariant.ts"

/** Records that are looked at, the latest, and nodes that have to compare for it: all of a small network, of a large one few. */
const LOOKED_AT = 100
const COMPARING = { production: 100, calm: 30 } as const
/** Seconds that nodes may compare for, and how often: what one round brings another passes on. */
const PATIENCE = 300
const ROUNDS = 2

const secondsOf = (simulation: Simulation): number => Math.floor((EPOCH + simulation.world.time.now) / 1000)

/** Whoever keeps records for others, or says so. */
const sayingSo = (simulation: Simulation): ReadonlyArray<SimulatedNode> =>
  simulation.world.nodes.filter(({ services }) => {
    if (services === undefined) return false
    return (Context.get(services, SessionManager).self().record.capabilities & DHT_SERVER) !== 0
  })

/** Those of them that keep the protocol, and always did. */
const serversOf = (simulation: Simulation): ReadonlyArray<SimulatedNode> => {
  const willing = new Set(simulation.willing)
  return sayingSo(simulation).filter((node) => willing.has(node) && !node.wasByzantine)
}

const idOf = ({ services }: SimulatedNode): Uint8Array =>
  services === undefined ? new Uint8Array(32) : Context.get(services, Identity).nodeId

const holds = (node: SimulatedNode, { key, kind, seq }: Entry): boolean =>
  node.disk.held(kind, key).some((it) => it.seq >= seq)

interface Place {
  readonly entry: Entry
  /** Who should hold it, of those that keep the protocol. */
  readonly closest: ReadonlyArray<SimulatedNode>
}

/** Of the latest records, or of those that were looked at before. */
const placesOf = (simulation: Simulation, before?: ReadonlyArray<Place>): ReadonlyArray<Place> => {
  const all = sayingSo(simulation).map((node) => ({ node, id: idOf(node) }))
  const servers = new Set(serversOf(simulation))
  const comparing = new Set<SimulatedNode>()
  const places: Array<Place> = []
  for (const entry of before?.map((it) => it.entry) ?? simulation.ledger.entries.slice(-LOOKED_AT).reverse()) {
    const closest = all
      .toSorted((a, b) => compareDistance(entry.key, a.id, b.id))
      .slice(0, simulation.plan.replicationFactor)
      .flatMap(({ node }) => (servers.has(node) ? [node] : []))
    for (const node of closest) comparing.add(node)
    if (before === undefined && comparing.size > COMPARING[simulation.plan.tempo]) break
    places.push({ entry, closest })
  }
  return places
}

export const replicasRecover: Invariant = {
  name: "replicas-recover",
  sentence:
    "When neighbours have compared what they hold, a record that one of the closest nodes has is on all of them.",
  atRest: Effect.fnUntraced(function* (simulation) {
    const wrong: Array<string> = []
    const looked = placesOf(simulation)
    for (let round = 0; round < ROUNDS; round++) {
      for (const node of new Set(looked.flatMap(({ closest }) => closest))) {
        if (node.services === undefined) continue
        const compare = Effect.flatMap(Replicator, ({ syncNow }) => syncNow)
        const said = yield* simulation.hear(node, compare, PATIENCE)
        if (said === undefined) wrong.push(`node ${node.number} has not done comparing after ${PATIENCE} s`)
      }
    }
    for (const { closest, entry } of placesOf(simulation, looked)) {
      if (entry.expires <= secondsOf(simulation) + LEAST_LEFT + PATIENCE) continue
      // A bit may have turned over in this very record, and nobody has read it since.
      const sound = closest.filter((node) => !node.bitFlipped)
      const without = sound.filter((node) => !holds(node, entry))
      if (without.length === 0 || without.length === sound.length) continue
      const numbers = without.map(({ number }) => number).join(", ")
      wrong.push(`nodes ${numbers} of the closest ${sound.length} lack a record of kind ${entry.kind}`)
    }
    return wrong
  })
}

/** Seconds. */
const SHORT_LIFE = 120

export const expiredAreGone: Invariant = {
  name: "expired-are-gone",
  sentence: "What has expired is shown to nobody, and no disk means to keep it for longer than it says.",
  atRest: Effect.fnUntraced(function* (simulation) {
    const dice = simulation.world.dice.fork("expired-are-gone")
    const [author, reader] = dice.shuffle([...serversOf(simulation)])
    if (author === undefined || reader === undefined) return []
    const key = randomKey(dice)
    const cid = cidOfDigest(RAW, key)
    const provide = Effect.flatMap(Dht, (dht) => dht.provide(cid, { lifetime: SHORT_LIFE }))
    const put = yield* simulation.hear(author, provide, PATIENCE)
    if (put === undefined || Exit.isFailure(put)) return []
    const wrong = serversOf(simulation).flatMap((node) =>
      node.disk
        .held(RecordKind.Provider, key)
        .filter((row) => row.expires > put.value.expires + 1)
        .map((row) => `node ${node.number} means to keep a record for ${row.expires - put.value.expires} s too long`)
    )
    yield* simulation.pass(SHORT_LIFE + 1)
    const find = Effect.flatMap(Dht, (dht) => dht.findProviders(cid))
    const found = yield* simulation.hear(reader, find, PATIENCE)
    if (found !== undefined && Exit.isSuccess(found) && found.value.length > 0)
      wrong.push(`node ${reader.number} is told of a provider whose word has expired`)
    return wrong
  })
}

/** Strangers that bring something, and keys that are tried to find one that is far from where they bring it. */
const STRANGERS = 5
const KEYS = 50

const randomKey = (dice: Dice): Uint8Array => new Uint8Array(32).map(() => dice.int(256))

export const strangersAreSentOn: Invariant = {
  name: "strangers-are-sent-on",
  sentence: "A node that knows enough nodes closer to a key than itself stores nothing there for others.",
  atRest: Effect.fnUntraced(function* (simulation) {
    const dice = simulation.world.dice.fork("strangers-are-sent-on")
    const wrong: Array<string> = []
    for (let turn = 0; turn < STRANGERS; turn++) {
      const [from, to] = dice.shuffle([...serversOf(simulation)])
      if (from === undefined || to?.services === undefined) return wrong
      const table = Context.get(to.services, RoutingTable)
      const target = Context.get(to.services, SessionManager).self()
      const blocks = Array.from({ length: KEYS }, () => randomKey(dice))
      const far = blocks.find((block) => !table.isClose(suite.sha256(block)))
      if (far === undefined) continue
      const request = {
        _tag: "Store",
        kind: RecordKind.Block,
        record: far,
        ttl: 3_600,
        work: new Uint8Array(0)
      } as const
      const bring = Effect.flatMap(Rpc, (rpc) => Effect.result(rpc.dht(target, request)))
      const said = yield* simulation.hear(from, bring, PATIENCE)
      if (said !== undefined && Exit.isSuccess(said) && Result.isSuccess(said.value))
        wrong.push(`node ${to.number} took a record from node ${from.number} for which it is too far away`)
    }
    return wrong
  })
}
