/**
 * What the nodes of `allium network` could see of the cells that passed them: from whom each came, to whom it went and
 * how long it was. It is told by the very sessions that carry them, in every node, and made up by nobody.
 */
import { Context, Effect, Layer } from "effect"
import type * as RelayedCells from "#layers/onion/RelayedCells"
import { FrameType } from "#schemas/session/Frame"
import { OnionCells } from "#services/onion/OnionCells"
import { SessionManager } from "#services/session/SessionManager"
import { cellsOf } from "#simulator/watchedCells"

/** One cell at one node. */
export interface SeenCell {
  /** The node's name in the story. */
  readonly node: string
  /** By key. Undefined where the node made the cell itself. */
  readonly from: string | undefined
  /** Undefined where it was for this node. */
  readonly to: string | undefined
  readonly bytes: number
  /** Whether the marked bytes stood in it. */
  readonly isLegible: boolean
}

interface Brought {
  readonly from: string
  readonly cell: Uint8Array
}

/** Cells that are remembered: some thousand times as many as one question and its answer take. */
const LOGGED = 8_192

export class CellLog {
  #cells: Array<SeenCell> = []
  #mark: Uint8Array | undefined

  /** In the order in which they were seen, since `begin`. */
  get cells(): ReadonlyArray<SeenCell> {
    return this.#cells
  }

  /** Forgets what was; from now on `mark` is looked for in every cell. */
  begin(mark: Uint8Array): void {
    this.#cells = []
    this.#mark = mark
  }

  /** The cells of a node as production carries them, told of here. */
  watch(node: string): typeof RelayedCells.layer {
    /** What is being peeled, and what waits for its next hop to be dialled, oldest first. */
    let current: Brought | undefined
    const waiting: Array<Brought> = []
    let arrived = () => 0

    const see = (cell: Uint8Array, from: string | undefined, to: string | undefined): void => {
      if (this.#cells.length >= LOGGED) return
      const isLegible = this.#mark !== undefined && Buffer.from(cell).includes(Buffer.from(this.#mark))
      this.#cells.push({ node, from, to, bytes: cell.length, isLegible })
    }
    const goes = (to: string, cell: Uint8Array): void => {
      const brought = current ?? waiting.shift()
      current = undefined
      see(cell, brought?.from, to)
    }
    const comes = (from: string, cell: Uint8Array, peel: () => boolean): boolean => {
      const before = arrived()
      const brought = { from, cell }
      current = brought
      const isWell = peel()
      if (arrived() > before) see(cell, from, undefined)
      else if (current === brought && waiting.length < LOGGED) waiting.push(brought)
      current = undefined
      return isWell
    }

    const told = Layer.effect(
      SessionManager,
      Effect.map(SessionManager, (sessions) =>
        SessionManager.of({
          ...sessions,
          onFrame: (type, handle) =>
            sessions.onFrame(type, (session, payload) =>
              type === FrameType.ONION
                ? comes(session.contact.key, payload, () => handle(session, payload))
                : handle(session, payload)
            )
        })
      )
    )
    return Layer.effect(
      OnionCells,
      Effect.gen(function* () {
        const cells = Context.get(
          yield* Layer.build(cellsOf({ isLost: () => false, onCell: goes }).pipe(Layer.provide(told))),
          OnionCells
        )
        arrived = () => cells.stats().arrived
        return cells
      })
    )
  }
}
