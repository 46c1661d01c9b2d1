/** What is counted of requests. */
import { Metric } from "effect"

export const requests = Metric.counter("allium_rpc_requests_total", {
  description: "Requests sent, by outcome",
  incremental: true
})
export const served = Metric.counter("allium_rpc_served_total", {
  description: "Requests answered, by outcome",
  incremental: true
})
export const roundTrip = Metric.histogram("allium_rpc_round_trip_milliseconds", {
  description: "Time from request to answer",
  boundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
})
