/**
 * A whole simulated network for the tests of an app: production nodes in virtual time, on a network, disks and chance
 * that repeat with the seed. It has a clock and a scheduler of its own and goes on only while one of its verbs is
 * waited for, so it works in `it.effect`, in `it.live` and in Effect.runPromise alike.
 *
 *     const network = yield* TestNetwork.make({ nodes: 5 })
 *     const receipt = yield* network.node(0).run(Effect.flatMap(Dht, (dht) => dht.putBlock(bytes)))
 */
import { Cause, Context, Duration, Effect, Exit, type Scope } from "effect"
import type { Fault } from "#schemas/simulation/Fault"
import { Identity } from "#services/identity/Identity"
import { HEALS_WITHIN, LOOK_EVERY, lacking } from "./invariants/ends.ts"
import type { Invariant } from "./invariants/Invariant.ts"
import { makeWorld } from "./makeWorld.ts"
import { bringUp } from "./run/bringUp.ts"
import { apply } from "./run/faults.ts"
import { keepLooking, lookAtRest, lookNow } from "./run/looking.ts"
import { Simulation } from "./run/Simulation.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { NotConverged, PromiseBroken } from "./TestErrors.ts"
import * as links from "./TestLinks.ts"
import { planOfTest, type TestNetworkOptions } from "./TestNetworkOptions.ts"
import { TestNode } from "./TestNode.ts"

/** Of virtual time, for what is waited for. */
const WITHIN = Duration.minutes(10)
/** Milliseconds between two looks at a condition that is an effect. */
const LOOKS = 1_000

export interface Degrade<App = never> extends links.Worse {
  /** All links of these nodes; everybody's by default. */
  readonly nodes?: ReadonlyArray<TestNode<App>>
}

export interface Within {
  readonly within?: Duration.Input
}

/** `App`: what the app offers on each node. */
export class TestNetwork<App = never> {
  /** In the order of their numbers. */
  readonly nodes: ReadonlyArray<TestNode<App>>
  readonly #nodes: Array<TestNode<App>> = []
  readonly #simulation: Simulation
  readonly #watched: Array<Invariant> = []

  private constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.nodes = this.#nodes
  }

  /** Starts the nodes one after the other, and waits until all have joined. Ends with the scope. */
  static make<App = never>(
    options: TestNetworkOptions<App>
  ): Effect.Effect<TestNetwork<App>, NotConverged, Scope.Scope> {
    return Effect.gen(function* () {
      const plan = planOfTest(options)
      const world = yield* makeWorld(plan, options.app)
      const simulation = new Simulation(world, plan)
      const network = new TestNetwork<App>(simulation)
      yield* bringUp(simulation, undefined, options.settled === false ? 0 : undefined)
      simulation.start = world.time.now
      for (const node of world.nodes) yield* network.#joined(node)
      return network
    })
  }

  node(number: number): TestNode<App> {
    const node = this.#nodes[number]
    if (node === undefined)
      throw new RangeError(`there is no node ${number}: they are numbered from 0 to ${this.#nodes.length - 1}`)
    return node
  }

  /** Starts one more node and waits until it has joined. */
  addNode(): Effect.Effect<TestNode<App>, NotConverged> {
    return Effect.suspend(() => {
      const { world } = this.#simulation
      const node = world.addNode()
      world.start(node)
      return Effect.andThen(
        this.#wait(() => world.isJoined(node), WITHIN),
        this.#joined(node)
      )
    })
  }

  /** So much virtual time goes by. */
  advance(duration: Duration.Input): Effect.Effect<void> {
    return this.#wait(() => false, duration)
  }

  /**
   * Virtual time goes by until the condition holds: looked at after every event, or once a second where it is an
   * effect. Fails when it does not hold in time.
   */
  until<E = never, R = never>(
    condition: () => boolean | Effect.Effect<boolean, E, R>,
    { within = WITHIN }: Within = {}
  ): Effect.Effect<void, NotConverged | E, R> {
    return Effect.suspend(() => {
      const first = condition()
      if (typeof first === "boolean") {
        const holds = () => condition() === true
        return Effect.flatMap(this.#wait(holds, within), () =>
          holds() ? Effect.void : this.#notConverged("what was waited for does not hold", within)
        )
      }
      const end = this.#end(within)
      const look = (looked: boolean | Effect.Effect<boolean, E, R>): Effect.Effect<void, NotConverged | E, R> =>
        Effect.flatMap(typeof looked === "boolean" ? Effect.succeed(looked) : looked, (holds) => {
          if (holds) return Effect.void
          if (this.#time.now >= end) return this.#notConverged("what was waited for does not hold", within)
          return Effect.flatMap(
            this.#wait(() => false, LOOKS),
            () => look(condition())
          )
        })
      return look(first)
    })
  }

  /** Virtual time goes by until every node that is up has joined, knows others, and nodes find each other. */
  converged({ within = Duration.seconds(HEALS_WITHIN) }: Within = {}): Effect.Effect<void, NotConverged> {
    return Effect.gen({ self: this }, function* () {
      const end = this.#end(within)
      for (;;) {
        const lack = yield* lacking(this.#simulation)
        if (lack === undefined) return
        if (this.#time.now >= end) return yield* this.#notConverged(lack, within)
        yield* this.#simulation.pass(LOOK_EVERY)
      }
    })
  }

  /** Nothing passes between these groups; nodes in none of them form one more. Gives back what ends it. */
  partition(...groups: ReadonlyArray<ReadonlyArray<TestNode<App>>>): Effect.Effect<Effect.Effect<void>> {
    return Effect.sync(() =>
      links.partition(
        this.#simulation.world,
        groups.map((nodes) => this.#numbers(nodes))
      )
    )
  }

  /** What `from` sends does not arrive at `to`; the other direction works. Gives back what ends it. */
  cut(from: ReadonlyArray<TestNode<App>>, to: ReadonlyArray<TestNode<App>>): Effect.Effect<Effect.Effect<void>> {
    return Effect.sync(() => links.cut(this.#simulation.world, this.#numbers(from), this.#numbers(to)))
  }

  /** Links get worse. Gives back what ends it. */
  degrade({ nodes, ...worse }: Degrade<App>): Effect.Effect<Effect.Effect<void>> {
    return Effect.sync(() =>
      links.degrade(this.#simulation.world, nodes === undefined ? undefined : this.#numbers(nodes), worse)
    )
  }

  /** Ends all partitions, cuts and degradations. */
  readonly heal: Effect.Effect<void> = Effect.sync(() => {
    const { network, trace } = this.#simulation.world
    network.wire.mend()
    trace.note("the links are healed")
  })

  /** Makes a fault of a plan happen now; whatever it says to last ends by itself, in virtual time. */
  apply(fault: Exclude<Fault, { readonly _tag: "Join" }>): Effect.Effect<void> {
    return Effect.sync(() => {
      if ("node" in fault) this.node(fault.node)
      apply(this.#simulation, fault)
    })
  }

  /** From now on these invariants look at the network again and again; `check` tells what they saw. */
  watch(...invariants: ReadonlyArray<Invariant>): Effect.Effect<void> {
    return Effect.sync(() => {
      for (const invariant of invariants) invariant.watch?.(this.#simulation)
      keepLooking(this.#simulation, invariants, () => false)
      this.#watched.push(...invariants)
    })
  }

  /** Has the watched invariants look once more, as at the end of a run, and fails if one of them ever did not hold. */
  readonly check: Effect.Effect<void, PromiseBroken> = Effect.gen({ self: this }, function* () {
    const simulation = this.#simulation
    lookNow(simulation, this.#watched)
    if (simulation.violations.length === 0) yield* lookAtRest(simulation, this.#watched)
    const { lastEvents = this.lastEvents, violations } = simulation
    if (violations.length > 0) return yield* new PromiseBroken({ violations, lastEvents })
  })

  /** Milliseconds of virtual time since the network stood. */
  get now(): number {
    return this.#time.now - this.#simulation.start
  }

  /** On all wires since the first node started. */
  get traffic(): { readonly messages: number; readonly bytes: number } {
    const { bytes, messages } = this.#simulation.world.network
    return { messages, bytes }
  }

  /** 16 hex digits over everything that went over every wire, and when: equal for equal seeds, tests and code. */
  get traceHash(): string {
    return this.#simulation.world.trace.hash
  }

  /** In words, oldest first. */
  get lastEvents(): ReadonlyArray<string> {
    return this.#simulation.world.trace.lastEvents(this.#simulation.start)
  }

  get #time() {
    return this.#simulation.world.time
  }

  #end(within: Duration.Input): number {
    return this.#time.now + millisOf(within)
  }

  #wait(stop: () => boolean, within: Duration.Input): Effect.Effect<void> {
    return Effect.suspend(() => Effect.asVoid(this.#simulation.world.drive(stop, this.#end(within))))
  }

  /** Takes a node in, and fails if it has not joined by now. */
  #joined(node: SimulatedNode): Effect.Effect<TestNode<App>, NotConverged> {
    return Effect.suspend(() => {
      const { number, program } = node
      const exit = program?.building.pollUnsafe()
      if (exit === undefined || Exit.isFailure(exit)) {
        const why = exit === undefined ? "it is still being built" : Cause.pretty(exit.cause)
        return Effect.die(new Error(`node ${number} did not start: ${why}`))
      }
      const taken = new TestNode<App>(this.#simulation, node, Context.get(exit.value, Identity))
      this.#nodes[number] = taken
      return this.#simulation.world.isJoined(node)
        ? Effect.succeed(taken)
        : this.#notConverged(`node ${number} has not joined`, WITHIN)
    })
  }

  #numbers(nodes: ReadonlyArray<TestNode<App>>): ReadonlySet<number> {
    const stranger = nodes.find((node) => this.#nodes[node.number] !== node)
    if (stranger !== undefined) throw new RangeError(`node ${stranger.number} is none of this network`)
    return new Set(nodes.map(({ number }) => number))
  }

  #notConverged(sentence: string, within: Duration.Input): Effect.Effect<never, NotConverged> {
    return Effect.suspend(() =>
      Effect.fail(new NotConverged({ sentence, seconds: millisOf(within) / 1000, lastEvents: this.lastEvents }))
    )
  }
}

const millisOf = (input: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(input))
