/** What is counted of envelopes. */
import { Metric } from "effect"

export const envelopes = Metric.counter("allium_router_envelopes_total", {
  description: "Envelopes that arrived, by what became of them",
  incremental: true
})
