/** Faults and broken promises on the time axes of a report. */
import type { TimedFault } from "#schemas/simulation/Fault"
import type { Report } from "#schemas/simulation/Report"
import type { Scale } from "./axes.ts"
import { plain, span, whole } from "./figures.ts"
import { type Markup, markup } from "./markup.ts"

/** More cannot be told apart. */
const MOST_MARKS = 200
const TICK = 7

const KINDS = {
  Join: "come",
  Stop: "gone",
  Crash: "gone",
  Pause: "gone",
  Partition: "net",
  Cut: "net",
  Degrade: "net",
  Skew: "disk",
  SlowDisk: "disk",
  FullDisk: "disk",
  FlipBit: "disk",
  Turn: "lies"
} as const satisfies Record<TimedFault["fault"]["_tag"], string>

const GROUPS = [
  ["come", "nodes that join"],
  ["gone", "nodes that stop, crash or pause"],
  ["net", "cuts and bad links"],
  ["disk", "disks and clocks"],
  ["lies", "nodes that turn against the protocol"]
] as const

/** What concerns the network's links is a band as long as it lasts, the rest a tick at its begin. */
export const faultMarks = ({ plan }: Report, x: Scale, top: number, bottom: number): ReadonlyArray<Markup> =>
  plan.faults.slice(0, MOST_MARKS).map((timed) => {
    const { at, fault } = timed
    const kind = KINDS[fault._tag]
    const left = x.at(Math.min(at, x.to))
    if (kind !== "net" || !("lasts" in fault)) {
      return markup`<line class="mark ${kind}" x1="${left}" x2="${left}" y1="${bottom}" y2="${bottom - TICK}"><title>${told(timed)}</title></line>`
    }
    const width = Math.max(1, x.at(Math.min(at + fault.lasts, x.to)) - left).toFixed(1)
    return markup`<rect class="band ${kind}" x="${left}" y="${top}" width="${width}" height="${bottom - top}"><title>${told(timed)}</title></rect>`
  })

export const violationMarks = ({ violations }: Report, x: Scale, top: number, bottom: number): ReadonlyArray<Markup> =>
  violations.slice(0, MOST_MARKS).map(({ at, invariant }) => {
    const left = x.at(Math.min(at, x.to))
    return markup`<line class="broken" x1="${left}" x2="${left}" y1="${top}" y2="${bottom}"><title>${`${invariant}, after ${span(at)}`}</title></line>`
  })

/** What the marks are, with the number of each, for below the plots. */
export const faultLegend = ({ plan, violations }: Report): Markup => {
  const counts = GROUPS.map(([kind, name]) => ({
    kind,
    name,
    count: plan.faults.filter(({ fault }) => KINDS[fault._tag] === kind).length
  })).filter(({ count }) => count > 0)
  const drawn = plan.faults.length > MOST_MARKS ? `; the first ${MOST_MARKS} are drawn` : ""
  return markup`<p class="legend">${
    counts.length === 0
      ? "No faults were planned."
      : `Marks on the time axes (${whole(plan.faults.length)} faults${drawn}): `
  }${counts.map(({ kind, name, count }) => markup`<span><i class="${kind}"></i>${name} (${whole(count)})</span> `)}${
    violations.length === 0 ? [] : [markup`<span><i class="bad"></i>violations (${whole(violations.length)})</span>`]
  }</p>`
}

/** "Crash of node 4 after 2 min, for 4 min". */
const told = ({ at, fault }: TimedFault): string => {
  const whom = "node" in fault ? ` of node ${fault.node}` : ""
  const many = "nodes" in fault && fault.nodes !== undefined ? ` of ${whole(fault.nodes.length)} nodes` : ""
  const how = "behaviour" in fault ? ` (${fault.behaviour})` : ""
  const long = "lasts" in fault ? fault.lasts : "downFor" in fault ? fault.downFor : undefined
  return plain(`${fault._tag}${whom}${many}${how} after ${span(at)}${long === undefined ? "" : `, for ${span(long)}`}`)
}
