/** What is told of a node's bounded collections, each under its name as the attribute `collection`. */
import { Metric } from "effect"

export const boundedSize = Metric.gauge("allium_bounded_size", {
  description: "Entries (or bytes) of a collection that strangers can fill"
})
export const boundedLimit = Metric.gauge("allium_bounded_limit", { description: "The most such a collection may hold" })
