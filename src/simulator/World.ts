/**
 * A whole network in one process and in virtual time: machines, disks, the wire between them, and the programs that
 * run. It does what it is told (start, crash, pause, cut …) and knows nothing of plans, users and promises.
 */
import {
  Cause,
  Clock,
  Context,
  Effect,
  Exit,
  type Fiber,
  Layer,
  Logger,
  Random,
  References,
  Scheduler,
  Scope
} from "effect"
import { PEER_BOOK_LIMIT } from "#core/identity/PeerBook"
import type { Suite } from "#core/identity/Suite"
import { networkIdOf } from "#core/identity/signature"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { keyOf } from "#schemas/bytes/bytes"
import type { Behaviour, DiskAfterCrash } from "#schemas/simulation/Fault"
import type { Plan } from "#schemas/simulation/Plan"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Identity } from "#services/identity/Identity"
import { PeerBookLimit } from "#services/identity/Limits"
import { SharedContacts } from "#services/identity/SharedContacts"
import { SessionManager } from "#services/session/SessionManager"
import type { StoredRecord } from "#services/storage/RecordStore"
import { misbehaving } from "./behaviours/servers.ts"
import { Dice } from "./Dice.ts"
import type { Disk } from "./disk/Disk.ts"
import { Network } from "./network/Network.ts"
import { Wire } from "./network/Wire.ts"
import { NETWORK, type NodeServices, nodeLayer } from "./nodeLayer.ts"
import { type Program, SimulatedNode } from "./SimulatedNode.ts"
import { Trace } from "./Trace.ts"
import { Process } from "./time/Process.ts"
import { ProcessClock } from "./time/ProcessClock.ts"
import { type Halt, VirtualTime } from "./time/VirtualTime.ts"
import { WatchedContacts } from "./WatchedContacts.ts"
import { watchedSuite } from "./watchedSuite.ts"

export type WorldPlan = Pick<
  Plan,
  "seed" | "sessions" | "sessionsMax" | "tempo" | "replicationFactor" | "link" | "natted" | "peerBook" | "fallback"
>

export interface WorldOptions {
  readonly plan: WorldPlan
  readonly disk: (node: number, dice: Dice) => Disk
  /** Runs on every node, above its services. */
  readonly app?: Layer.Layer<never, unknown, NodeServices> | undefined
  /** The lowest level that is remembered; "Warn" by default. */
  readonly logLevel?: "Debug" | "Info" | "Warn" | "Error"
}

/** Somebody outside, for whom the world goes on. */
interface Wait {
  readonly stop: () => boolean
  readonly until: number
}

/** The first nodes: who joins is told of a few of them. */
const ENTRANCES = 8
const TOLD = 3

/** Events that happen before the real world has a turn: signals, a progress bar. Some 50 ms. */
const SLICE = 10_000

const NATS = ["full-cone", "address-restricted", "port-restricted", "symmetric"] as const

export class World {
  readonly plan: WorldPlan
  readonly time = new VirtualTime()
  readonly trace = new Trace(() => this.time.now)
  readonly dice: Dice
  readonly network: Network
  readonly nodes: Array<SimulatedNode> = []
  /** What nodes have verified of each other, for all of them. */
  readonly contacts: WatchedContacts
  /** Set while a key seals twice under one nonce. */
  nonceReused = false
  /** Keys of onions' layers that were not made of all that they must be made of. */
  unboundKeys = 0
  /** Hears of every record that takes the place of another on a disk. */
  onReplace: ((node: SimulatedNode, before: StoredRecord, after: StoredRecord) => void) | undefined
  /** Hears of every cell that a node gives to a session; `to` is the key of the contact at the other end. */
  onCell: ((node: SimulatedNode, to: string, cell: Uint8Array) => void) | undefined
  /** Whether a cell is lost between two nodes, as no stream loses any. */
  losesCell: ((node: SimulatedNode, to: string, cell: Uint8Array) => boolean) | undefined
  readonly #options: WorldOptions
  readonly #suite: Suite
  readonly #waits = new Set<Wait>()
  readonly #logger: Logger.Logger<unknown, void>

  constructor(options: WorldOptions) {
    this.plan = options.plan
    this.#options = options
    this.dice = new Dice(options.plan.seed)
    this.network = new Network(this.time, new Wire(options.plan.link, options.plan.seed), this.trace)
    this.#suite = watchedSuite(NodeCrypto.make(), {
      onNonceReuse: () => {
        this.nonceReused = true
      },
      onUnboundKeys: () => {
        this.unboundKeys++
      }
    })
    this.contacts = new WatchedContacts(this.#suite, networkIdOf(this.#suite, NETWORK))
    this.#logger = Logger.make(({ cause, fiber, logLevel, message }) => {
      const node = fiber.getRef(NodeName)
      const why = cause.reasons.length === 0 ? "" : `: ${Cause.pretty(cause).split("\n")[0]}`
      this.trace.note(`${node} says (${logLevel}) ${[message].flat().map(String).join(" ")}${why}`)
    })
  }

  /** A machine with an empty disk; nothing runs on it yet. */
  addNode(): SimulatedNode {
    const number = this.nodes.length
    const dice = this.dice.fork(`node ${number}`)
    const natted = number >= ENTRANCES && dice.chance(this.plan.natted)
    const host = this.network.addHost(natted ? dice.pick(NATS) : "none")
    const disk = this.#options.disk(number, dice)
    const node = new SimulatedNode(number, host, disk, natted)
    disk.onReplace = (before, after) => this.onReplace?.(node, before, after)
    this.nodes.push(node)
    return node
  }

  /**
   * Begins to run the node's program; it is built at once, and joins when it has found somebody. With a behaviour it is
   * one that does not keep the protocol.
   */
  start(node: SimulatedNode, behaviour?: Behaviour): Program {
    if (node.program !== undefined) throw new Error(`node ${node.number} runs already`)
    const process = new Process(this.time)
    node.host.process = process
    node.host.up = true
    node.runs++
    const scope = Scope.makeUnsafe()
    const surroundings = this.#surroundings(node, process)
    const instead = behaviour === undefined ? undefined : misbehaving(behaviour)
    const options = {
      plan: this.plan,
      network: this.network,
      suite: this.#suite,
      bootstrap: this.#entrances(node),
      cells: {
        onCell: (to: string, cell: Uint8Array) => this.onCell?.(node, to, cell),
        isLost: (to: string, cell: Uint8Array) => this.losesCell?.(node, to, cell) === true
      },
      misbehaving: instead
    }
    const { app } = this.#options
    const layer = nodeLayer(node, options)
    const whole = app === undefined ? layer : Layer.provideMerge(app, layer)
    const building = Effect.runForkWith(surroundings)(Layer.buildWithScope(whole, scope))
    const program: Program = { process, scope, surroundings, building, services: undefined }
    building.addObserver((exit) => {
      if (Exit.isSuccess(exit)) {
        program.services = Context.merge(surroundings, exit.value)
        node.id = keyOf(Context.get(exit.value, Identity).nodeId)
        node.address = Context.get(exit.value, SessionManager).listening().map(String)[0]
      } else if (process.state !== "dead")
        this.trace.note(`node ${node.number} did not start: ${Cause.pretty(exit.cause)}`)
    })
    node.program = program
    node.behaviour = behaviour
    // What one does to cells says nothing of the records that it holds.
    node.wasByzantine ||= instead?.server !== undefined
    node.startedAt = this.time.now
    this.trace.note(`node ${node.number} starts`)
    return program
  }

  /** Ends the program in order: it says goodbye and closes what it has open, which may take it a while. */
  stop(node: SimulatedNode, then?: () => void): void {
    const { program } = node
    if (program === undefined) return
    this.trace.note(`node ${node.number} stops`)
    const closing = Effect.runForkWith(program.surroundings)(Scope.close(program.scope, Exit.void))
    closing.addObserver(() => {
      if (node.program !== program) return
      this.#ended(node, "kept", false, true)
      then?.()
    })
  }

  /** The program is gone between two instructions. With `power` its machine is off, too. */
  crash(node: SimulatedNode, disk: typeof DiskAfterCrash.Type, power: boolean): void {
    if (node.program === undefined) return
    this.trace.note(`node ${node.number} crashes, disk ${disk}${power ? ", power off" : ""}`)
    this.#ended(node, disk, power, false)
  }

  pause(node: SimulatedNode): void {
    node.program?.process.pause()
    this.trace.note(`node ${node.number} is paused`)
  }

  resume(node: SimulatedNode): void {
    node.program?.process.resume()
    node.wokeAt = this.time.now
    this.trace.note(`node ${node.number} goes on`)
  }

  /** `seconds` ahead of the world's time, behind it where negative. */
  skew(node: SimulatedNode, seconds: number): void {
    if (node.program !== undefined) node.program.process.skew = seconds * 1000
    this.trace.note(`the clock of node ${node.number} is off by ${seconds} s`)
  }

  /** Starts an effect as a part of this node's program. It ends silently if the program dies. */
  fork<A, E>(node: SimulatedNode, effect: Effect.Effect<A, E, NodeServices>): Fiber.Fiber<A, E> {
    const { program } = node
    if (program?.services === undefined) throw new Error(`node ${node.number} does not run`)
    return Effect.runForkWith(program.services)(effect)
  }

  /**
   * Runs the world until `stop` holds or virtual time has reached `until` (milliseconds); gives way to the real one.
   * Several may wait at once: whoever has a turn runs the world for all of them, no further than the first one waits.
   */
  drive(stop: () => boolean, until: number, onSlice: Effect.Effect<void> = Effect.void): Effect.Effect<Halt> {
    return Effect.withFiber((fiber) => {
      if (fiber.cache.scheduler === this.time) return Effect.die(new Error("a part of the world cannot drive it"))
      const wait: Wait = { stop, until }
      this.#waits.add(wait)
      // Before the first turn others that begin now get to say what they wait for.
      return Effect.ensuring(
        Effect.andThen(Effect.yieldNow, this.#turns(wait, onSlice)),
        Effect.sync(() => this.#waits.delete(wait))
      )
    })
  }

  isJoined(node: SimulatedNode): boolean {
    const services = node.services
    return services !== undefined && Context.get(services, Bootstrap).isBootstrapped()
  }

  /** Gives back what the disks took from this machine. */
  close(): void {
    for (const node of this.nodes) {
      node.program?.process.die()
      node.disk.close()
    }
  }

  #turns(wait: Wait, onSlice: Effect.Effect<void>): Effect.Effect<Halt> {
    return Effect.suspend(() => {
      const alone = this.#waits.size === 1
      const earliest = alone ? wait.until : Math.min(...[...this.#waits].map(({ until }) => until))
      const halt = this.time.run(alone ? wait.stop : () => this.#anybodyStops(), earliest, SLICE)
      if (halt === "spent") return Effect.andThen(onSlice, Effect.andThen(Effect.yieldNow, this.#turns(wait, onSlice)))
      const isOver =
        halt === "stopped" ? wait.stop() : this.time.now >= wait.until || earliest === Number.POSITIVE_INFINITY
      return isOver ? Effect.succeed(halt) : Effect.andThen(Effect.yieldNow, this.#turns(wait, onSlice))
    })
  }

  #anybodyStops(): boolean {
    for (const { stop } of this.#waits) if (stop()) return true
    return false
  }

  #ended(node: SimulatedNode, disk: typeof DiskAfterCrash.Type, power: boolean, inOrder: boolean): void {
    const { host, program } = node
    if (program === undefined) return
    if (inOrder) {
      program.process.end()
      node.ended.push({ process: program.process, connections: host.ends.size })
    } else program.process.die()
    for (const end of [...host.ends]) power ? host.ends.delete(end) : end.reset("reset")
    host.listeners.clear()
    host.process = undefined
    host.up = !power
    node.disk.crash(disk)
    node.program = undefined
    node.behaviour = undefined
    node.endedAt = this.time.now
    if (disk === "lost") node.lostAt = this.time.now
  }

  /** As an operator writes them down: nodes that once ran, whether they do now or not. */
  #entrances(node: SimulatedNode): ReadonlyArray<string> {
    const others = this.nodes.slice(0, ENTRANCES).filter((it) => it !== node && it.address !== undefined)
    return this.dice
      .fork(`entrances of ${node.number}, run ${node.runs}`)
      .shuffle(others)
      .slice(0, TOLD)
      .flatMap((it) => it.address ?? [])
  }

  #surroundings(node: SimulatedNode, process: Process): Context.Context<never> {
    const chance = this.dice.fork(`chance of ${node.number}, run ${node.runs}`)
    return Context.empty().pipe(
      Context.add(Clock.Clock, new ProcessClock(this.time, process)),
      Context.add(Scheduler.Scheduler, this.time),
      Context.add(Random.Random, {
        nextDoubleUnsafe: () => chance.next(),
        nextIntUnsafe: () => chance.int(Number.MAX_SAFE_INTEGER)
      }),
      Context.add(References.CurrentLoggers, new Set([this.#logger])),
      Context.add(References.MinimumLogLevel, this.#options.logLevel ?? "Warn"),
      Context.add(References.TracerEnabled, false),
      Context.add(SharedContacts, this.contacts),
      Context.add(PeerBookLimit, this.plan.peerBook ?? PEER_BOOK_LIMIT),
      Context.add(NodeName, `node ${node.number}`)
    ) as Context.Context<never>
  }
}

/** For log lines. */
const NodeName = Context.Reference<string>("allium/simulator/NodeName", { defaultValue: () => "the world" })
