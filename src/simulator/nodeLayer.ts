/** A node of the simulated network: the production node; only what touches machine, wire, chance and disk is replaced. */
import { Effect, Layer, Redacted } from "effect"
import type { Suite } from "#core/identity/Suite"
import { seededBytes } from "#core/identity/seededBytes"
import * as NodeBounds from "#layers/node/NodeBounds"
import * as parts from "#layers/node/parts"
import { stack } from "#layers/node/stack"
import * as tempo from "#layers/node/tempo"
import type { Plan } from "#schemas/simulation/Plan"
import { Crypto } from "#services/identity/Crypto"
import { KeyStore } from "#services/identity/KeyStore"
import { SecureRandom } from "#services/identity/SecureRandom"
import type { Misbehaving } from "./behaviours/servers.ts"
import type { Network } from "./network/Network.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { type CellWatch, cellsOf } from "./watchedCells.ts"

/** The name of every simulated network. */
export const NETWORK = "simulation"

/** Where every node listens, unless it is behind a router. */
export const PORT = 4001

export interface NodeOptions {
  readonly plan: Pick<Plan, "seed" | "sessions" | "sessionsMax" | "tempo" | "replicationFactor" | "fallback">
  readonly network: Network
  readonly suite: Suite
  readonly bootstrap: ReadonlyArray<string>
  readonly cells: CellWatch
  /** What it does in the place of what it should; nothing of that unless given. */
  readonly misbehaving?: Misbehaving | undefined
}

/** Kept in a safe place by the operator: a node that lost its disk is still itself. */
const keyStore = (suite: Suite, seed: string) =>
  Layer.sync(KeyStore, () => {
    const bytes = seededBytes(suite, seed)
    const keys = { seed: Redacted.make(bytes(32)), noise: Redacted.make(bytes(32)) }
    return KeyStore.of({ load: Effect.succeed(keys) })
  })

export const nodeLayer = (node: SimulatedNode, options: NodeOptions) => {
  const { bootstrap, misbehaving = {}, network, plan, suite } = options
  const { replicationFactor, sessions, sessionsMax } = plan
  const seed = `${plan.seed}/node ${node.number}`
  const settings: parts.PartSettings = {
    network: NETWORK,
    local: false,
    listen: node.natted ? [] : [`/ip4/${node.host.address}/tcp/${PORT}`],
    bootstrap,
    // To find out whether it can be reached doubles what a node does to join; the operators of a calm network know it.
    mode: plan.tempo === "calm" ? "server" : "auto",
    relay: true,
    replicationFactor,
    sessionsMax,
    autoBootstrap: true,
    enableAutoReplication: true,
    enableReprovide: true,
    fallback: plan.fallback ?? false
  }
  const crypto = Layer.succeed(Crypto, suite)
  const lowest = Layer.mergeAll(
    node.disk.mount.pipe(Layer.provide([NodeBounds.layer, crypto])),
    network.layerOf(node.host),
    crypto,
    Layer.succeed(SecureRandom, { bytes: seededBytes(suite, `${seed}/run ${node.runs}`) }),
    keyStore(suite, `${seed}/keys`)
  )
  const variant = { sessions, cells: cellsOf(options.cells, misbehaving.carrier), ...serverOf(misbehaving) }
  return stack(lowest, parts.layer(settings, variant)).pipe(
    Layer.provide(plan.tempo === "calm" ? tempo.calm : tempo.production)
  )
}

const serverOf = ({ server }: Misbehaving): Pick<parts.Variant, "server"> => (server === undefined ? {} : { server })

/** Everything that a running node offers to whoever acts in its name. */
export type NodeServices = Layer.Success<ReturnType<typeof nodeLayer>>
