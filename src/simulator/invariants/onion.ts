/** What goes by onion routes arrives as it was sent, once, and no relay can be used to tell which cell is which. */
import { keyOf } from "#schemas/bytes/bytes"
import { EPHEMERAL_BYTES } from "#schemas/onion/OnionCell"
import type { Handed, Letter } from "../run/Post.ts"
import type { Simulation } from "../run/Simulation.ts"
import type { SimulatedNode } from "../SimulatedNode.ts"
import type { Invariant } from "./Invariant.ts"

/** Seconds for which nothing is delivered again (WIRE §4), and within which an id is on a disk that works. */
const REMEMBERED = 15 * 60
const WRITTEN = 10

/** Whether the program of that time had written down what it was handed, and the one of now can have read it. */
const isRemembered = (node: SimulatedNode, { at, run }: Handed, now: number): boolean =>
  run === node.runs - 1 &&
  !node.wasFull &&
  (node.lostAt === undefined || node.lostAt < at) &&
  node.endedAt - Math.max(at, node.wokeAt) > WRITTEN * 1000 &&
  now - at < REMEMBERED * 1000

const repetition = (node: SimulatedNode, { from, handed }: Letter, now: number): string | undefined => {
  const [what, last] = [`node ${node.number} was handed a message of node ${from} a second time`, handed.at(-1)]
  if (handed.some(({ run }) => run === node.runs)) return what
  return last !== undefined && isRemembered(node, last, now) ? `${what}, after a restart` : undefined
}

export const messagesArriveWholeAndOnce: Invariant = {
  name: "messages-arrive-whole-and-once",
  sentence:
    "What a node is handed was sent to it, byte for byte, and nothing comes twice: to one run of its program, or within a quarter of an hour to the next one if the disk was kept.",
  watch: (simulation) => {
    const { post, world } = simulation
    post.onHanded = (nodeId, bytes) => {
      const node = simulation.nodeOf(nodeId)
      if (node === undefined) return
      const letter = post.find(node.number, bytes)
      if (letter === undefined) {
        simulation.violated(messagesArriveWholeAndOnce, `node ${node.number} was handed what nobody sent to it`)
        return
      }
      const wrong = repetition(node, letter, world.time.now)
      letter.handed.push({ run: node.runs, at: world.time.now })
      if (wrong !== undefined) simulation.violated(messagesArriveWholeAndOnce, wrong)
    }
  }
}

export const acknowledgedWasDelivered: Invariant = {
  name: "acknowledged-was-delivered",
  sentence: "A message whose sender is told that it arrived was handed to its recipient.",
  watch: (simulation) => {
    simulation.post.onAcknowledged = ({ from, handed, to }) => {
      if (handed.length > 0) return
      simulation.violated(acknowledgedWasDelivered, `node ${from} was told so by node ${to}, which was handed nothing`)
    }
  }
}

/** Cells of which one remembers that they were sent; the oldest is forgotten first. */
const CELLS = 100_000

export const cellsPassOnce: Invariant = {
  name: "cells-pass-once",
  sentence: "No node that keeps the protocol sends a cell twice.",
  watch: (simulation) => {
    const sent = new Set<string>()
    simulation.world.onCell = (node, to, cell) => {
      if (node.behaviour !== undefined) return
      // The ephemeral key is drawn for this one cell on this one link.
      const name = `${node.number}/${keyOf(cell.subarray(0, EPHEMERAL_BYTES))}`
      if (sent.has(name)) simulation.violated(cellsPassOnce, `node ${node.number} to ${whoIs(simulation, to)}`)
      if (sent.size >= CELLS) sent.delete(sent.keys().next().value ?? "")
      sent.add(name)
    }
  }
}

const whoIs = ({ world }: Simulation, key: string): string => {
  const node = world.nodes.find(({ id }) => id === key)
  return node === undefined ? "nobody" : `node ${node.number}`
}

export const onionKeysAreBound: Invariant = {
  name: "onion-keys-are-bound",
  sentence: "The keys of every layer of an onion are made of both public keys that were agreed with.",
  check: function* ({ world }) {
    if (world.unboundKeys > 0) yield `${world.unboundKeys} layers had keys that leave some of it out`
  }
}
