/**
 * What goes wrong in a simulated network, as data: so that a run can be saved, shrunk and replayed.
 *
 * Nodes go by number, from 0. Durations are seconds of virtual time. What is said to last ends by itself.
 */
import { Schema } from "effect"

/** The most nodes that a simulated network may have: each has an IPv4 network of 256 addresses of its own. */
export const MOST_NODES = 65_536

export const NodeNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MOST_NODES - 1 }))
export const Seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 365 * 24 * 3600 }))
export const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 3_600_000 }))

/**
 * What a node that does not keep the protocol does. `silent` takes requests and answers none; `lying` names contacts
 * that do not exist, are not signed, or lead nowhere; `forging` answers with records that are none; `flooding` asks as
 * much as it can; `replaying` brings old versions of records back.
 */
export const RecordBehaviour = Schema.Literals(["silent", "selfish", "lying", "forging", "flooding", "replaying"])

/** What it does to the cells of onions: `echoing` sends all twice or more, `spoiling` changes some, `dropping` keeps some. */
export const CellBehaviour = Schema.Literals(["echoing", "spoiling", "dropping"])

export const Behaviour = Schema.Literals([...RecordBehaviour.literals, ...CellBehaviour.literals])
export type Behaviour = typeof Behaviour.Type

/** What a crash leaves on the disk: all that was written, nothing, or also a half-written end. */
export const DiskAfterCrash = Schema.Literals(["kept", "lost", "torn"])

export const Fault = Schema.Union([
  /** A node that was not there before joins. */
  Schema.TaggedStruct("Join", { node: NodeNumber }),
  /** The node says goodbye and stops; for good without `downFor`. */
  Schema.TaggedStruct("Stop", { node: NodeNumber, downFor: Schema.optionalKey(Seconds) }),
  /** The process dies in the middle of whatever it did; with `power` nobody is told that its connections ended. */
  Schema.TaggedStruct("Crash", {
    node: NodeNumber,
    disk: DiskAfterCrash,
    power: Schema.Boolean,
    downFor: Schema.optionalKey(Seconds)
  }),
  /** The process is stopped, and goes on later with what it knew before. */
  Schema.TaggedStruct("Pause", { node: NodeNumber, lasts: Seconds }),
  /** Nothing passes between these nodes and all the others. */
  Schema.TaggedStruct("Partition", { nodes: Schema.Array(NodeNumber), lasts: Seconds }),
  /** What `from` sends does not arrive at `to`; the other direction works. */
  Schema.TaggedStruct("Cut", { from: Schema.Array(NodeNumber), to: Schema.Array(NodeNumber), lasts: Seconds }),
  /** The links of these nodes, or of all, get worse: added to what they are. */
  Schema.TaggedStruct("Degrade", {
    nodes: Schema.optionalKey(Schema.Array(NodeNumber)),
    latency: Millis,
    loss: Share,
    duplication: Share,
    reordering: Share,
    lasts: Seconds
  }),
  /** The node's wall clock is moved, by a negative number backwards. */
  Schema.TaggedStruct("Skew", {
    node: NodeNumber,
    seconds: Schema.Finite.check(Schema.isBetween({ minimum: -86_400, maximum: 86_400 }))
  }),
  /** Each write takes this much longer. */
  Schema.TaggedStruct("SlowDisk", { node: NodeNumber, milliseconds: Millis, lasts: Seconds }),
  /** Writes fail. */
  Schema.TaggedStruct("FullDisk", { node: NodeNumber, lasts: Seconds }),
  /** One bit of what is stored turns over, unnoticed by the disk. */
  Schema.TaggedStruct("FlipBit", { node: NodeNumber }),
  /** The node restarts as one that does not keep the protocol. */
  Schema.TaggedStruct("Turn", { node: NodeNumber, behaviour: Behaviour, lasts: Schema.optionalKey(Seconds) })
])
export type Fault = typeof Fault.Type

/** `at`: seconds after the network stood. */
export const TimedFault = Schema.Struct({ at: Seconds, fault: Fault })
export type TimedFault = typeof TimedFault.Type
