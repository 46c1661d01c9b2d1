/** What is counted of a Dht with two backends. */
import { Metric } from "effect"

export const operations = Metric.counter("allium_dht_backend_operations_total", {
  description: "Operations of a backend, by what they said of its health",
  incremental: true
})
export const latency = Metric.gauge("allium_dht_backend_latency_seconds", {
  description: "Mean time of a backend's operations, the latest counting most"
})
export const health = Metric.gauge("allium_dht_backend_health", {
  description: "2 where a backend is healthy, 1 where it is degraded, 0 where it has failed"
})
export const active = Metric.gauge("allium_dht_backend_active", { description: "1 for the backend that answers now" })
export const switches = Metric.counter("allium_dht_backend_switches_total", {
  description: "Times that this backend has taken over from the other",
  incremental: true
})
export const queued = Metric.counter("allium_dht_backend_queued_total", {
  description: "Writes that were written down because the network was out of reach",
  incremental: true
})
export const replayed = Metric.counter("allium_dht_backend_replayed_total", {
  description: "Writes that had waited, by what became of them",
  incremental: true
})
export const waiting = Metric.gauge("allium_dht_backend_waiting", { description: "Writes that wait for the network" })
