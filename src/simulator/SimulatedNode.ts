/** One node of a simulated network: a machine and a disk that stay, and the program that comes and goes. */
import type { Context, Fiber, Scope } from "effect"
import type { Behaviour } from "#schemas/simulation/Fault"
import type { Disk } from "./disk/Disk.ts"
import type { Host } from "./network/Host.ts"
import type { NodeServices } from "./nodeLayer.ts"
import type { Process } from "./time/Process.ts"

/** The running program. */
export interface Program {
  readonly process: Process
  readonly scope: Scope.Closeable
  /** All that a fiber of this program stands on: clock, chance, logs, and the node's services once they are built. */
  readonly surroundings: Context.Context<never>
  readonly building: Fiber.Fiber<Context.Context<NodeServices>, unknown>
  /** Undefined until the node is built. */
  services: Context.Context<NodeServices> | undefined
}

export class SimulatedNode {
  readonly number: number
  readonly host: Host
  readonly disk: Disk
  /** Behind a router, and so a client of the DHT. */
  readonly natted: boolean
  program: Program | undefined
  behaviour: Behaviour | undefined
  /** Runs of the program so far: a part of the seed of each. */
  runs = 0
  /** Milliseconds of the world, when the program last started and last ended. */
  startedAt = 0
  endedAt = 0
  /** When it last went on after a pause. */
  wokeAt = 0
  /** When the disk was last emptied by a crash. */
  lostAt: number | undefined
  /** What it says it holds is not to be believed. */
  wasByzantine = false
  bitFlipped = false
  /** What it wanted to write down at times it could not. */
  wasFull = false
  /** Runs that ended in order and were not looked at yet, with the connections that each left open. */
  readonly ended: Array<{ readonly process: Process; readonly connections: number }> = []
  /** `keyOf` its NodeId, once it has run. */
  id: string | undefined
  /** Where others find it, with `/p2p/…`; none behind a router. */
  address: string | undefined

  constructor(number: number, host: Host, disk: Disk, natted: boolean) {
    this.number = number
    this.host = host
    this.disk = disk
    this.natted = natted
  }

  /** A program runs, stopped for a moment or not. */
  get isUp(): boolean {
    return this.program !== undefined
  }

  get services(): Context.Context<NodeServices> | undefined {
    return this.program?.services
  }
}
