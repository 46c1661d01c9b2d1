/** What is counted of the work that keeps records alive, and of what is done for those that are anonymous. */
import { Metric } from "effect"

const counter = (name: string, description: string) =>
  Metric.counter(`allium_replication_${name}`, { description, incremental: true })

export const rounds = counter("sync_rounds_total", "Comparisons with all neighbours")
export const sent = counter("sent_total", "Records handed to neighbours that lacked them")
export const fetched = counter("fetched_total", "Records fetched from neighbours because they were missing here")
export const challenges = counter("challenges_total", "Holders asked for a proof, by outcome")
export const refreshes = counter("refreshes_total", "Pinned things stored again, by outcome")
export const reprovides = counter("reprovides_total", "Announcements renewed, by outcome")
export const damaged = counter("damaged_total", "Records that the disk had spoiled")
export const mended = counter("mended_total", "Of these, those fetched anew from the network")

export const delegated = Metric.counter("allium_dht_delegated_total", {
  description: "Operations carried out for anonymous askers, by outcome",
  incremental: true
})
export const delegations = Metric.counter("allium_dht_delegations_total", {
  description: "Delegates asked to carry out an operation of this node's own, by outcome",
  incremental: true
})
