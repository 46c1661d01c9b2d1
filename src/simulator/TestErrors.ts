/** What a test of an app is told when a simulated network is not, or does not become, what the test takes it for. */
import { Schema } from "effect"
import { Violation } from "#schemas/simulation/Report"

/** Lines of what happened last that go into a message. */
const EVENTS = 24
/** Violations that do: the first ones, of which the others often follow. */
const TOLD = 3

/** Oldest first. */
export const eventsText = (events: ReadonlyArray<string>): string =>
  ["Last events, in seconds since the network stood:", ...events.slice(-EVENTS)].join("\n  ")

/** The node was asked for something and is not running, or stopped or died before it was done. */
export class NodeDown extends Schema.TaggedError<NodeDown>()("NodeDown", {
  node: Schema.Int,
  /** "is not running" or "went down meanwhile". */
  reason: Schema.String
}) {
  override get message(): string {
    return `node ${this.node} ${this.reason}`
  }
}

/** What was waited for did not come in time. */
export class NotConverged extends Schema.TaggedError<NotConverged>()("NotConverged", {
  sentence: Schema.String,
  /** Of virtual time. */
  seconds: Schema.Finite,
  lastEvents: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.sentence} after ${this.seconds} s of virtual time\n${eventsText(this.lastEvents)}`
  }
}

/** Invariants that were watched did not hold. */
export class PromiseBroken extends Schema.TaggedError<PromiseBroken>()("PromiseBroken", {
  violations: Schema.Array(Violation),
  lastEvents: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const first = this.violations.slice(0, TOLD)
    const broken = first.map((it) => `${it.sentence} (${it.invariant}) At ${it.at} s: ${it.detail}`)
    const more = this.violations.length > TOLD ? [`… and ${this.violations.length - TOLD} more`] : []
    return [...broken, ...more, eventsText(this.lastEvents)].join("\n")
  }
}
