import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CELL_BYTES } from "#schemas/onion/OnionCell"
import { messagesArriveWholeAndOnce } from "#simulator/invariants/onion"
import { sendLetter } from "#simulator/run/letters"
import { Post } from "#simulator/run/Post"
import { standing } from "../standing.ts"

const [NODES, LETTERS] = [6, 24]

/** A network with mailboxes in which so many letters are sent at one moment. */
const written = Effect.fnUntraced(function* (letters: number) {
  const simulation = yield* standing({ nodes: NODES }, new Post())
  messagesArriveWholeAndOnce.watch?.(simulation)
  const dice = simulation.world.dice.fork("letters")
  const send = () => {
    for (let n = 0; n < letters; n++) sendLetter(simulation, dice)
  }
  return { simulation, send }
})

const tally = ({ tallies }: Effect.Success<ReturnType<typeof written>>["simulation"]) => {
  const { count = 0, failed = 0 } = tallies.get("message") ?? {}
  return [count, failed]
}

describe("letters", () => {
  it.live("arrive at mailboxes, some of them in several parts, from anybody to anybody else", () =>
    Effect.gen(function* () {
      const { send, simulation } = yield* written(LETTERS)
      const sizes = new Set<number>()
      simulation.world.onCell = (_, __, { length }) => sizes.add(length)
      send()
      yield* simulation.pass(60)
      const { letters } = simulation.post
      assert.deepStrictEqual(tally(simulation), [LETTERS, 0])
      assert.deepStrictEqual(simulation.violations, [])
      assert.deepStrictEqual(
        letters.map(({ handed }) => handed.length),
        Array(LETTERS).fill(1)
      )
      assert.isFalse(letters.some(({ from, to }) => from === to))
      assert.isAbove(new Set(letters.map(({ from }) => from)).size, 3)
      assert.sameMembers([...sizes], [CELL_BYTES[0], CELL_BYTES[2]])
    })
  )

  it.live(
    "are neither from nor to whoever may be banned or cannot be dialled, and are tried while their cells are lost",
    () =>
      Effect.gen(function* () {
        const { send, simulation } = yield* written(LETTERS)
        const { world } = simulation
        world.nodes[1]!.wasByzantine = true
        Object.assign(world.nodes[2]!, { natted: true })
        world.losesCell = () => true
        send()
        yield* simulation.pass(30)
        const { letters } = simulation.post
        assert.isFalse(letters.some(({ from, to }) => from === 1 || to === 1 || to === 2))
        assert.isTrue(letters.some(({ from }) => from === 2))
        assert.isTrue(letters.every(({ handed }) => handed.length === 0))
        world.losesCell = undefined
        yield* simulation.pass(60)
        assert.isTrue(letters.every(({ handed }) => handed.length === 1))
      })
  )

  it.live("end with the program that sends them", () =>
    Effect.gen(function* () {
      const { send, simulation } = yield* written(LETTERS)
      const { world } = simulation
      world.losesCell = () => true
      send()
      yield* simulation.pass(10)
      for (const node of world.nodes) world.stop(node)
      yield* simulation.pass(120)
      assert.deepStrictEqual(tally(simulation), [LETTERS, LETTERS])
      assert.deepStrictEqual(
        world.nodes.flatMap(({ ended }) => ended.map(({ process }) => process.leftTimers)),
        Array(NODES).fill(0)
      )
    })
  )
})
