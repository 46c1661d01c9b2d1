/** A world under a plan: who is who, what users were promised, what has been seen to go wrong. */
import { Effect, Exit, type Fiber } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import type { Plan } from "#schemas/simulation/Plan"
import type { Sample, Violation } from "#schemas/simulation/Report"
import type { Dice } from "../Dice.ts"
import type { Invariant } from "../invariants/Invariant.ts"
import type { NodeServices } from "../nodeLayer.ts"
import type { Program, SimulatedNode } from "../SimulatedNode.ts"
import { Task } from "../time/Task.ts"
import type { World } from "../World.ts"
import { Ledger } from "./Ledger.ts"
import { Post } from "./Post.ts"
import { Tally } from "./Tally.ts"

/** Violations that are told; the run ends at the first look that finds some. */
const VIOLATIONS = 20

const DRAWS = 16

/** Something that a user asked of a node, still under way. */
export interface Operation {
  readonly name: string
  readonly node: SimulatedNode
  readonly program: Program
  /** Milliseconds of the world. */
  readonly since: number
}

export class Simulation {
  readonly world: World
  readonly plan: Plan
  readonly ledger = new Ledger()
  /** What the mailboxes of the world's nodes were made for. */
  readonly post: Post
  readonly tallies = new Map<string, Tally>()
  readonly underWay = new Set<Operation>()
  readonly violations: Array<Violation> = []
  readonly samples: Array<Sample> = []
  /** `hops[n]`: lookups with a chain of n answers. */
  readonly hops: Array<number> = []
  /** Milliseconds of the world when the network stood, and users and faults began. */
  start = 0
  lastEvents: ReadonlyArray<string> | undefined
  readonly #byId = new Map<string, SimulatedNode>()

  constructor(world: World, plan: Plan, post = new Post()) {
    this.world = world
    this.plan = plan
    this.post = post
  }

  /** Seconds since the network stood. */
  get now(): number {
    return (this.world.time.now - this.start) / 1000
  }

  /** After so many seconds, unless the world ends before. */
  after(seconds: number, task: () => void): void {
    this.world.time.schedule(new Task(task), seconds * 1000, undefined)
  }

  nodeOf(id: NodeId): SimulatedNode | undefined {
    const known = this.#byId.get(keyOf(id))
    if (known !== undefined) return known
    for (const node of this.world.nodes) if (node.id !== undefined) this.#byId.set(node.id, node)
    return this.#byId.get(keyOf(id))
  }

  /** Nodes that run, have joined and keep the protocol: whom a user would ask. */
  get willing(): ReadonlyArray<SimulatedNode> {
    return this.world.nodes.filter((node) => this.#isWilling(node))
  }

  anybody(dice: Dice): SimulatedNode | undefined {
    // Nearly everybody is willing, so a few draws do; looking through thousands for each operation takes its time.
    for (let draw = 0; draw < DRAWS; draw++) {
      const node = dice.pick(this.world.nodes)
      if (this.#isWilling(node)) return node
    }
    const willing = this.willing
    return willing.length === 0 ? undefined : dice.pick(willing)
  }

  #isWilling(node: SimulatedNode): boolean {
    return node.behaviour === undefined && node.program?.process.state === "running" && this.world.isJoined(node)
  }

  /** Has this node do something, and hears how it ended; never if its program dies before. */
  ask<A, E>(
    name: string,
    node: SimulatedNode,
    effect: Effect.Effect<A, E, NodeServices>,
    then: (exit: Exit.Exit<A, E>, took: number) => void
  ): Fiber.Fiber<A, E> {
    const { time } = this.world
    const operation: Operation = { name, node, program: node.program as Program, since: time.now }
    this.underWay.add(operation)
    const fiber = this.world.fork(node, effect)
    fiber.addObserver((exit) => {
      this.underWay.delete(operation)
      then(exit, time.now - operation.since)
    })
    return fiber
  }

  /** As `ask`, for whoever lets the world go on meanwhile; undefined if it has not ended after so many seconds. */
  hear<A, E>(node: SimulatedNode, effect: Effect.Effect<A, E, NodeServices>, patience: number) {
    return Effect.suspend((): Effect.Effect<Exit.Exit<A, E> | undefined> => {
      const fiber = this.world.fork(node, effect)
      const until = this.world.time.now + patience * 1000
      return Effect.map(
        this.world.drive(() => fiber.pollUnsafe() !== undefined, until),
        () => {
          const exit = fiber.pollUnsafe()
          if (exit === undefined) fiber.interruptUnsafe()
          return exit
        }
      )
    })
  }

  /** So many seconds go by. */
  pass(seconds: number): Effect.Effect<void> {
    return Effect.suspend(() => Effect.asVoid(this.world.drive(() => false, this.world.time.now + seconds * 1000)))
  }

  /** Counts an operation that ended. */
  count(name: string, exit: Exit.Exit<unknown, unknown>, took: number, requests?: number): void {
    const tally = this.tallies.get(name) ?? new Tally()
    this.tallies.set(name, tally)
    tally.add({ took, requests, failed: Exit.isFailure(exit) })
  }

  get operations(): { readonly count: number; readonly failed: number } {
    let [count, failed] = [0, 0]
    for (const tally of this.tallies.values()) {
      count += tally.count
      failed += tally.failed
    }
    return { count, failed }
  }

  violated({ name, sentence }: Invariant, detail: string): void {
    if (this.violations.length >= VIOLATIONS) return
    this.violations.push({ invariant: name, sentence, at: Math.round(this.now * 1000) / 1000, detail })
    this.lastEvents ??= this.world.trace.lastEvents(this.start)
  }
}
