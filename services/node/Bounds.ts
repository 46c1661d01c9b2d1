/**
 * The collections of a node that strangers can fill, each with its size now and its limit: so that an operator sees how
 * full they are, and a simulation that none of them is ever fuller than it may be.
 */
import { Context, Effect, type Scope } from "effect"

export interface Bounded {
  readonly name: string
  readonly limit: number
  /** Of the structure itself, synchronous and cheap. Where there is one for each peer: of the fullest. */
  readonly size: () => number
}

export interface BoundsShape {
  /** Until the scope closes. */
  readonly watch: (name: string, limit: number, size: () => number) => Effect.Effect<void, never, Scope.Scope>
  readonly list: () => ReadonlyArray<Bounded>
}

/** Keeps nothing, unless a node keeps it. */
export const Bounds = Context.Reference<BoundsShape>("allium/services/node/Bounds", {
  defaultValue: () => ({ watch: () => Effect.void, list: () => [] })
})
