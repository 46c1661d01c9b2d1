/**
 * An effect that a node of a simulated network carries out for a test: a fiber of the node's program, under its clock
 * and its chance. Whoever waits for it from outside lets the world go on meanwhile.
 */
import { Cause, Duration, Effect, Exit, Fiber, Scope } from "effect"
import type { NodeServices } from "./nodeLayer.ts"
import type { Simulation } from "./run/Simulation.ts"
import type { Program, SimulatedNode } from "./SimulatedNode.ts"
import { eventsText, NodeDown } from "./TestErrors.ts"
import { Task } from "./time/Task.ts"

/** For an effect to end that was interrupted. */
const INTERRUPTION = Duration.seconds(30)

export class Errand<A, E> {
  readonly #simulation: Simulation
  readonly #node: SimulatedNode
  readonly #program: Program
  readonly #begin: Task
  #fiber: Fiber.Fiber<A, E> | undefined

  /** The scope that the effect may use is the program's: what it opens stays until the node stops. */
  constructor(
    simulation: Simulation,
    node: SimulatedNode,
    program: Program,
    effect: Effect.Effect<A, E, NodeServices | Scope.Scope>
  ) {
    const { world } = simulation
    this.#simulation = simulation
    this.#node = node
    this.#program = program
    // As an event of the program, it waits while that is paused.
    this.#begin = new Task(() => {
      this.#fiber = world.fork(node, Effect.provideService(effect, Scope.Scope, program.scope))
      this.#fiber.addObserver((exit) => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause))
          world.trace.note(
            `node ${node.number} failed at what it was to do: ${Cause.pretty(exit.cause).split("\n")[0]}`
          )
      })
      Fiber.runIn(this.#fiber, program.scope)
    })
    world.time.schedule(this.#begin, 0, program.process)
  }

  /** What came of it, as soon as it has ended; a defect when it has not within so much virtual time. */
  join(patience: Duration.Input): Effect.Effect<A, E | NodeDown> {
    return Effect.suspend(() => {
      const waited = this.#drive(patience)
      return Effect.andThen(waited, this.#outcome(patience))
    })
  }

  /** Ends it, and waits until what it has to clean up is done. */
  readonly interrupt: Effect.Effect<void> = Effect.suspend(() => {
    this.#begin.cancelled = true
    if (this.#fiber === undefined) return Effect.void
    this.#fiber.interruptUnsafe()
    return this.#drive(INTERRUPTION)
  })

  #drive(patience: Duration.Input): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { world } = this.#simulation
      const until = world.time.now + Duration.toMillis(Duration.fromInputUnsafe(patience))
      return Effect.asVoid(world.drive(() => this.#fiber?.pollUnsafe() !== undefined || this.#isDown, until))
    })
  }

  get #isDown(): boolean {
    return this.#node.program !== this.#program
  }

  #outcome(patience: Duration.Input): Effect.Effect<A, E | NodeDown> {
    return Effect.suspend((): Effect.Effect<A, E | NodeDown> => {
      const exit = this.#fiber?.pollUnsafe()
      const { number } = this.#node
      const isStopping = this.#isDown || this.#program.scope.state._tag === "Closed"
      if (exit === undefined ? isStopping : isStopping && isInterrupted(exit))
        return Effect.fail(new NodeDown({ node: number, reason: "went down meanwhile" }))
      if (exit !== undefined) return exit
      const { start, world } = this.#simulation
      const sentence = `node ${number} has not done what it was to do within ${Duration.format(Duration.fromInputUnsafe(patience))} of virtual time`
      const isPaused = this.#program.process.state === "paused" ? ": it is paused" : ""
      return Effect.andThen(
        this.interrupt,
        Effect.die(new Error(`${sentence}${isPaused}\n${eventsText(world.trace.lastEvents(start))}`))
      )
    })
  }
}

const isInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
