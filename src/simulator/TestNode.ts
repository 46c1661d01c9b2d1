/**
 * One node of a TestNetwork: runs effects as a part of its program, and suffers what nodes suffer. All verbs are
 * effects, to be run outside of the network.
 */
import { Context, Duration, Effect, type Scope } from "effect"
import type { NodeId } from "#schemas/identity/NodeId"
import type { DiskAfterCrash } from "#schemas/simulation/Fault"
import type { Address } from "#schemas/transport/Address"
import type { Identity } from "#services/identity/Identity"
import { SessionManager } from "#services/session/SessionManager"
import { Errand } from "./Errand.ts"
import type { NodeServices } from "./nodeLayer.ts"
import type { Simulation } from "./run/Simulation.ts"
import type { Program, SimulatedNode } from "./SimulatedNode.ts"
import { NodeDown } from "./TestErrors.ts"

/** Of virtual time, for an effect to end. */
const PATIENCE = Duration.minutes(10)
/** For a program to be built, and to stop: it closes its sessions and its disk. */
const MOMENT = Duration.toMillis("1 minute")

export interface RunOptions {
  /** Virtual time within which the effect has to end; ten minutes. */
  readonly patience?: Duration.Input
}

export interface CrashOptions {
  /** What is on the disk afterwards: all that was written ("kept", the default), nothing, or also a half-written end. */
  readonly disk?: typeof DiskAfterCrash.Type
  /** Whether the machine goes off, too, so that nobody is told that its connections have ended. */
  readonly power?: boolean
}

/** `App`: what the network's app offers on each node. */
export class TestNode<App = never> {
  /** Its place in the network, from 0. */
  readonly number: number
  readonly nodeId: NodeId
  /** `did:key:z6Mk…`. */
  readonly did: string
  /** Takes effect at once, and lasts until it is taken back, through restarts. */
  readonly disk: {
    /** Each write takes so much longer; zero is as fast as ever. */
    readonly slow: (by: Duration.Input) => Effect.Effect<void>
    /** Writes fail. */
    readonly full: (isFull: boolean) => Effect.Effect<void>
    /** One bit of what is stored turns over; false when there is none. */
    readonly flipBit: Effect.Effect<boolean>
  }
  readonly #simulation: Simulation
  readonly #node: SimulatedNode

  /** Of a node that has been built. */
  constructor(simulation: Simulation, node: SimulatedNode, identity: Identity["Service"]) {
    this.#simulation = simulation
    this.#node = node
    this.number = node.number
    this.nodeId = identity.nodeId
    this.did = identity.did
    this.disk = {
      slow: (by) => Effect.sync(() => node.disk.slow(millisOf(by))),
      full: (isFull) => Effect.sync(() => node.disk.full(isFull)),
      flipBit: Effect.sync(() => {
        node.bitFlipped = true
        return node.disk.flipBit(simulation.world.dice.fork(`flip ${simulation.world.time.now}`))
      })
    }
  }

  /** Its program runs; so it does while it is paused. */
  get isUp(): boolean {
    return this.#node.isUp
  }

  /** Where it listens, so that other nodes' sessions and requests take a TestNode for a target; none while it is down. */
  get addresses(): ReadonlyArray<Address> {
    const { services } = this.#node
    return services === undefined ? [] : Context.get(services, SessionManager).listening()
  }

  /** Whether there is a record of this kind under this key on its disk, whether it runs or not. */
  holds(kind: number, key: Uint8Array): boolean {
    return this.#node.disk.held(kind, key).length > 0
  }

  /**
   * Runs an effect as a part of this node's program, and the whole network with it until it has ended. A scope that it
   * asks for is the program's. It must not wait for anything outside of the network: virtual time would not.
   */
  run<A, E>(
    effect: Effect.Effect<A, E, NodeServices | App | Scope.Scope>,
    options: RunOptions = {}
  ): Effect.Effect<A, E | NodeDown> {
    return Effect.flatMap(this.fork(effect), (errand) =>
      Effect.onInterrupt(errand.join(options.patience ?? PATIENCE), () => errand.interrupt)
    )
  }

  /** As `run`, for something that goes on in the background whenever the network runs. */
  fork<A, E>(effect: Effect.Effect<A, E, NodeServices | App | Scope.Scope>): Effect.Effect<Errand<A, E>, NodeDown> {
    return Effect.map(
      this.#built,
      // The app's services are in the same context as the node's.
      (program) => new Errand(this.#simulation, this.#node, program, effect as Effect.Effect<A, E, NodeServices>)
    )
  }

  /** The program is gone between two instructions. Nothing happens to a node that is down. */
  crash({ disk = "kept", power = false }: CrashOptions = {}): Effect.Effect<void> {
    return Effect.sync(() => this.#simulation.world.crash(this.#node, disk, power))
  }

  /** Has the program say goodbye and end in order, and waits for it. Nothing happens to a node that is down. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    const { world } = this.#simulation
    const { program } = this.#node
    if (program === undefined) return Effect.void
    world.stop(this.#node)
    const hasStopped = () => this.#node.program !== program
    return Effect.flatMap(world.drive(hasStopped, world.time.now + MOMENT), () =>
      hasStopped() ? Effect.void : Effect.die(new Error(`node ${this.number} has not stopped within a minute`))
    )
  })

  /** Runs the program again, with what is on the disk. It joins as soon as it finds somebody. Does nothing if it runs. */
  readonly start: Effect.Effect<void, NodeDown> = Effect.suspend(() => {
    if (this.#node.program === undefined) this.#simulation.world.start(this.#node)
    return Effect.asVoid(this.#built)
  })

  /** The program stands still and notices nothing, until `resume`; others find that it does not answer. */
  readonly pause: Effect.Effect<void, NodeDown> = Effect.suspend(() =>
    Effect.map(this.#running, () => this.#simulation.world.pause(this.#node))
  )

  readonly resume: Effect.Effect<void, NodeDown> = Effect.suspend(() =>
    Effect.map(this.#running, () => this.#simulation.world.resume(this.#node))
  )

  /** Puts its wall clock so far ahead of the world's time, behind where negative; zero is right again. */
  skew(by: Duration.Input): Effect.Effect<void, NodeDown> {
    return Effect.suspend(() =>
      Effect.map(this.#running, () => this.#simulation.world.skew(this.#node, millisOf(by) / 1000))
    )
  }

  get #running(): Effect.Effect<Program, NodeDown> {
    const { number, program } = this.#node
    return program === undefined
      ? Effect.fail(new NodeDown({ node: number, reason: "is not running" }))
      : Effect.succeed(program)
  }

  get #built(): Effect.Effect<Program, NodeDown> {
    return Effect.suspend(() =>
      Effect.flatMap(this.#running, (program) => built(this.#simulation, this.#node, program))
    )
  }
}

/** Waits until the program's services are there. */
const built = (simulation: Simulation, node: SimulatedNode, program: Program): Effect.Effect<Program, NodeDown> =>
  Effect.suspend(() => {
    if (program.services !== undefined) return Effect.succeed(program)
    const { world } = simulation
    const isOver = () => program.building.pollUnsafe() !== undefined || node.program !== program
    return Effect.flatMap(world.drive(isOver, world.time.now + MOMENT), () =>
      program.services === undefined
        ? Effect.fail(new NodeDown({ node: node.number, reason: "did not start" }))
        : Effect.succeed(program)
    )
  })

const millisOf = (input: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(input))
