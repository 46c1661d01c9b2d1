/** What the author of a test chooses of a network, and the plan that it makes. */
import type { Layer } from "effect"
import type { LinkProfile, Plan } from "#schemas/simulation/Plan"
import type { NodeServices } from "./nodeLayer.ts"
import { planOf } from "./plan/scenarios.ts"

/** Between two machines: the same for every pair but for the little jitter, so that times are easily understood. */
const LINK: LinkProfile = {
  latency: 20,
  spread: 0,
  jitter: 1,
  bandwidth: 12.5e6,
  loss: 0,
  duplication: 0,
  reordering: 0
}
export interface TestNetworkOptions<App = never> {
  readonly nodes: number
  /** Of all chance; 1 by default. */
  readonly seed?: number
  /** "noise" by default; "plain" costs no cryptography, for networks of hundreds. */
  readonly sessions?: Plan["sessions"]
  /** What differs from 20 ms one way, a millisecond of jitter and 100 Mbit/s without loss. */
  readonly link?: Partial<LinkProfile>
  /** The share of nodes behind home routers; the first eight never are. None by default. */
  readonly natted?: number
  /** "memory" by default; "sqlite" for real files in a temporary folder. */
  readonly storage?: Plan["storage"]
  readonly replicationFactor?: number
  /** "production" by default; "calm" does the periodic work less often, for networks of hundreds. */
  readonly tempo?: Plan["tempo"]
  readonly sessionsMax?: number
  /** The setting of that name: nodes go on by themselves while the network is out of reach. False by default. */
  readonly fallback?: boolean
  /** Whether a further minute goes by until the routing tables have filled; true by default. */
  readonly settled?: boolean
  /** Runs on every node, built anew at each start; what it offers is there for `run`. */
  readonly app?: Layer.Layer<App, unknown, NodeServices>
}

export const planOfTest = (options: TestNetworkOptions<never>): Plan => {
  const { app: _, link, seed = 1, settled: __, ...given } = options
  const fixed = { scenario: "steady", hours: 0, sessions: "noise", tempo: "production", faults: [] } as const
  return planOf({ ...fixed, ...given, seed, link: { ...LINK, ...link } })
}
