/** Nothing that strangers can fill grows beyond what is said of it, and nothing stays behind. */
import { Context } from "effect"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import type { Invariant } from "./Invariant.ts"

export const withinLimits: Invariant = {
  name: "within-limits",
  sentence: "Every queue, map and cache that strangers can fill stays within its declared limit.",
  check: function* (simulation) {
    for (const node of simulation.world.nodes) {
      if (node.services === undefined || node.behaviour !== undefined) continue
      for (const { limit, name, size } of Context.get(node.services, Bounds).list()) {
        const now = size()
        if (now > limit) yield `"${name}" of node ${node.number} holds ${now}, its limit is ${limit}`
      }
    }
  }
}

/** Seconds by which every handshake has ended: its deadline of 10, a sweep (of 30 if calm), and the end's way. */
const HANDSHAKE = { production: 30, calm: 60 } as const

export const connectionsAreSessions: Invariant = {
  name: "connections-are-sessions",
  sentence: `A connection that is older than ${HANDSHAKE.production} seconds (${HANDSHAKE.calm} at a calm tempo) belongs to a session.`,
  every: 120,
  check: function* ({ plan, world }) {
    const since = world.time.now - HANDSHAKE[plan.tempo] * 1000
    for (const node of world.nodes) {
      if (node.services === undefined || node.program?.process.state !== "running" || node.behaviour !== undefined)
        continue
      const old = [...node.host.ends].filter((end) => end.since < since).length
      const open = Context.get(node.services, SessionManager).stats().open
      if (old > open) yield `node ${node.number} has ${old} old connections and ${open} sessions`
    }
  }
}

export const stoppedIsGone: Invariant = {
  name: "stopped-is-gone",
  sentence: "A node that has stopped in order leaves no timer and no connection behind.",
  check: function* ({ world }) {
    for (const node of world.nodes) {
      for (const { connections, process } of node.ended) {
        if (connections > 0) yield `node ${node.number} left ${connections} connections behind`
        if (process.leftTimers > 0) yield `node ${node.number} left ${process.leftTimers} timers behind`
      }
    }
  }
}
