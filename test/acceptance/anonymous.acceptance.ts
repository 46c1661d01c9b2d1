/** Anonymous messages arrive, all of them and each once, while relays die under them or cells get lost on every link. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Metric, Schedule, type Scope } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { Identity } from "#services/identity/Identity"
import { tries } from "#services/onion/Metrics"
import { RouterHandle } from "#services/router/RouterHandle"
import type { Dice } from "#simulator/Dice"
import { acknowledgedWasDelivered, cellsPassOnce, messagesArriveWholeAndOnce } from "#simulator/invariants/onion"
import { makeWorld } from "#simulator/makeWorld"
import { planOf } from "#simulator/plan/scenarios"
import { bringUp } from "#simulator/run/bringUp"
import { LETTER, mailbox } from "#simulator/run/mailbox"
import { Post } from "#simulator/run/Post"
import { Simulation } from "#simulator/run/Simulation"

const NODES = 24
/** Of them, those that write to each other; they stay, as nobody can promise anything of who goes. */
const PEOPLE = 4
const MESSAGES = 1_000
/** Seconds between two, in the mean, and bytes of each. */
const APART = 0.5
const BYTES = 1_500
/** Seconds of trying, after which the sender is told that nobody answered (OnionSendAgain), and to find relays before. */
const LIMIT = 10 * 60 + 30

/** Seconds between two deaths of relays, and for how long one is gone. */
const DEATHS_APART = 8
const GONE_FOR = 60
/** Milliseconds since it had a cell in hand, of a relay that dies. */
const IN_USE = 1_000

const LOST = 0.3

/** With NoRoute nothing was sent, and its reason says to try again: so do people, after as many seconds. */
const AGAIN = 5

interface Told {
  /** Milliseconds until the sender was told that its message arrived. */
  readonly took: ReadonlyArray<number>
  readonly tries: number
  /** Times that somebody was told that there is no route. */
  readonly noRoutes: number
  readonly failures: ReadonlyArray<string>
}

const networkOf = Effect.fnUntraced(function* (seed: number) {
  const plan = planOf({ scenario: "steady", seed, nodes: NODES, hours: 1, tempo: "production", faults: [] })
  const post = new Post()
  const simulation = new Simulation(yield* makeWorld(plan, mailbox(post)), plan, post)
  yield* bringUp(simulation)
  simulation.start = simulation.world.time.now
  for (const { watch } of [messagesArriveWholeAndOnce, acknowledgedWasDelivered, cellsPassOnce]) watch?.(simulation)
  return simulation
})

const triesSoFar = Effect.gen(function* () {
  let sum = 0
  for (const outcome of ["not sent", "silence", "settled"]) {
    sum += Number((yield* Metric.value(Metric.withAttributes(tries, { outcome }))).count)
  }
  return sum
})

/** All of them, each from one of the people to another, at random moments; and waits until all are told how it went. */
const writeAll = Effect.fnUntraced(function* (simulation: Simulation, dice: Dice): Effect.fn.Return<Told> {
  const { post, world } = simulation
  const before = yield* triesSoFar
  const [took, failures]: [Array<number>, Array<string>] = [[], []]
  let [ended, noRoutes, at] = [0, 0, 0]
  for (let n = 0; n < MESSAGES; n++) {
    at += dice.exponential(APART)
    simulation.after(at, () => {
      const [from, to] = dice.shuffle(world.nodes.slice(0, PEOPLE))
      if (from?.services === undefined || to?.services === undefined) throw new Error("somebody is not there")
      const { nodeId } = Context.get(to.services, Identity)
      const bytes = concatBytes([post.head(), new Uint8Array(BYTES).map(() => dice.int(256))])
      const letter = post.sends({ from: from.number, to: to.number, bytes, at: world.time.now })
      const send = Effect.flatMap(RouterHandle, (it) => it.sendAnonymous(nodeId, { type: LETTER, body: bytes })).pipe(
        Effect.tapErrorTag("NoRoute", () => Effect.sync(() => noRoutes++)),
        Effect.retry({
          schedule: Schedule.spaced(AGAIN * 1_000),
          while: ({ _tag }) => _tag === "NoRoute" && world.time.now < letter.at + LIMIT * 1_000
        })
      )
      simulation.ask("message", from, send, (exit, milliseconds) => {
        ended++
        simulation.count("message", exit, milliseconds)
        if (Exit.isFailure(exit))
          return void failures.push(`after ${milliseconds / 1_000} s: ${Cause.pretty(exit.cause)}`)
        took.push(milliseconds)
        post.onAcknowledged?.(letter)
      })
    })
  }
  yield* world.drive(() => ended === MESSAGES, world.time.now + (at + 2 * LIMIT) * 1_000)
  // What is still on its way comes, too: a try that was given up, an answer to it.
  yield* simulation.pass(300)
  return { failures, noRoutes, took: took.sort((a, b) => a - b), tries: (yield* triesSoFar) - before }
})

const assertAllArrived = (simulation: Simulation, { failures, noRoutes, took, tries }: Told): void => {
  const seconds = (share: number) =>
    ((took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0) / 1000).toFixed(1)
  console.log(
    `${took.length} of ${MESSAGES} acknowledged: median ${seconds(0.5)} s, p99 ${seconds(0.99)} s, the slowest ` +
      `${seconds(1)} s; ${(tries / MESSAGES).toFixed(2)} tries a message, ${noRoutes} times no route`
  )
  assert.deepStrictEqual(failures, [])
  assert.deepStrictEqual(simulation.violations, [])
  const handed = simulation.post.letters.map((letter) => letter.handed.length)
  assert.deepStrictEqual(new Set(handed), new Set([1]))
  assert.strictEqual(handed.length, MESSAGES)
  assert.strictEqual(took.length, MESSAGES)
  assert.isAtMost((took.at(-1) ?? 0) / 1000, LIMIT)
}

describe(`of ${MESSAGES} anonymous messages all arrive, each once`, () => {
  const holds = (
    name: string,
    seed: number,
    body: (simulation: Simulation) => Effect.Effect<void, never, Scope.Scope>
  ) => it.live(name, () => Effect.flatMap(networkOf(seed), body), 1_800_000)

  holds("while relays die with cells in their hands, one every eight seconds", 11, (simulation) =>
    Effect.gen(function* () {
      const { world } = simulation
      const dice = world.dice.fork("deaths")
      const lastUsed = new Map<number, number>()
      const heard = world.onCell
      world.onCell = (node, to, cell) => {
        heard?.(node, to, cell)
        lastUsed.set(node.number, world.time.now)
      }
      let deaths = 0
      const kill = (): void => {
        const used = world.nodes.filter(
          ({ number, program }) =>
            number >= PEOPLE && program !== undefined && world.time.now - (lastUsed.get(number) ?? -IN_USE) < IN_USE
        )
        if (used.length > 0) {
          const node = dice.pick(used)
          deaths++
          world.crash(node, "kept", dice.chance(0.5))
          simulation.after(GONE_FOR, () => world.start(node))
        }
        simulation.after(dice.exponential(DEATHS_APART), kill)
      }
      simulation.after(DEATHS_APART, kill)
      const told = yield* writeAll(simulation, world.dice.fork("people"))
      console.log(`${deaths} relays died`)
      assert.isAbove(deaths, 30)
      assertAllArrived(simulation, told)
    })
  )

  holds("while three of ten cells get lost on every link", 12, (simulation) =>
    Effect.gen(function* () {
      const { world } = simulation
      const dice = world.dice.fork("losses")
      world.losesCell = () => dice.chance(LOST)
      assertAllArrived(simulation, yield* writeAll(simulation, world.dice.fork("people")))
    })
  )
})
