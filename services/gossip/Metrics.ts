/** What is counted of gossip. */
import { Metric } from "effect"

export const received = Metric.counter("allium_gossip_received_total", {
  description: "Messages that arrived, by what became of them",
  incremental: true
})
export const sent = Metric.counter("allium_gossip_sent_total", {
  description: "Frames handed to sessions, by outcome",
  incremental: true
})
export const dropped = Metric.counter("allium_gossip_dropped_total", {
  description: "Accepted messages that a full subscriber did not get",
  incremental: true
})
export const published = Metric.counter("allium_gossip_published_total", {
  description: "Own messages",
  incremental: true
})
export const unheard = Metric.counter("allium_gossip_unheard_total", {
  description: "Frames of neighbours that are not heard any more",
  incremental: true
})
export const members = Metric.gauge("allium_gossip_mesh_members", {
  description: "Members of the meshes of all topics, at the last heartbeat"
})
