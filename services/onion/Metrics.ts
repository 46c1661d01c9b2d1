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
export const arrivals = Metric.counter("allium_onion_arrivals_total", {
  description: "Envelopes that arrived by onion routes, by what became of them",
  incremental: true
})
export const replies = Metric.counter("allium_onion_replies_total", {
  description: "Cells that came or were to go by reply blocks, by what became of them",
  incremental: true
})
export const sends = Metric.counter("allium_onion_sends_total", {
  description: "Envelopes sent by onion routes, by outcome",
  incremental: true
})
export const tries = Metric.counter("allium_onion_tries_total", {
  description: "Tries to bring an envelope to its recipient, by what became of them",
  incremental: true
})
export const roundTrip = Metric.histogram("allium_onion_round_trip_milliseconds", {
  description: "Time from a try to the answer that came by its reply blocks",
  boundaries: [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000]
})
