/** What is counted of onion cells and of the envelopes that they carry. */
import { Metric } from "effect"

export const cells = Metric.counter("allium_onion_cells_total", {
  description: "Cells that were peeled and taken, by where they went",
  incremental: true
})
export const dropped = Metric.counter("allium_onion_dropped_total", {
  description: "Cells that went no further, by reason",
  incremental: true
})
export const dials = Metric.counter("allium_onion_dials_total", {
  description: "Next hops dialled for strangers, by outcome",
  incremental: true
})
export const rotations = Metric.counter("allium_onion_key_rotations_total", {
  description: "Onion keys exchanged",
  incremental: true
})
