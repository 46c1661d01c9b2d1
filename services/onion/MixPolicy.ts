/**
 * How much delay and cover this node puts between what goes in and what comes out. Each of them costs time or bandwidth
 * and makes it dearer to join the two ends of a path by their timing (docs/onion.md); all are off unless somebody says so.
 */
import { Context, type Duration } from "effect"

export interface Mixing {
  /** Milliseconds that this node's own cells ask each hop to hold them, in the mean (exponential); 0 asks for none. */
  readonly hopDelay: number
  /** Cells are collected so long, and then sent in an order drawn by lot; undefined sends each as it comes. */
  readonly flushEvery: Duration.Duration | undefined
  /** Cells a minute that this node sends in a loop to itself, in the mean, as cover for its own. */
  readonly cover: number
}

export const MixPolicy = Context.Reference<Mixing>("allium/services/onion/MixPolicy", {
  defaultValue: () => ({ hopDelay: 0, flushEvery: undefined, cover: 0 })
})
