/** What is counted of sessions. `reason` is an attribute where something can end in several ways. */
import { Metric } from "effect"

export const opened = Metric.counter("allium_session_opened_total", {
  description: "Sessions opened, by who dialled",
  incremental: true
})
export const closed = Metric.counter("allium_session_closed_total", {
  description: "Sessions ended, by reason",
  incremental: true
})
export const refused = Metric.counter("allium_session_refused_total", {
  description: "Connections that came to no session, by reason",
  incremental: true
})
export const offences = Metric.counter("allium_session_offences_total", {
  description: "Misbehaviour of peers, by kind",
  incremental: true
})
export const bans = Metric.counter("allium_session_bans_total", {
  description: "Peers banned",
  incremental: true
})
export const open = Metric.gauge("allium_session_open_sessions", { description: "Sessions open now" })
