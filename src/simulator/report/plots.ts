/** The two kinds of drawing in a report, as SVG that takes its colours from the page. */
import type { Report } from "#schemas/simulation/Report"
import { round, roundDown, roundUp, type Scale, scale, tickText, timeUnit } from "./axes.ts"
import { whole } from "./figures.ts"
import { faultMarks, violationMarks } from "./marks.ts"
import { type Markup, markup } from "./markup.ts"

const WIDTH = 560
const HEIGHT = 270
const [LEFT, RIGHT, TOP, BOTTOM] = [58, WIDTH - 14, 14, HEIGHT - 42]

/** Above the highest line, so that it can be told from the frame. */
const HEADROOM = 1.05

export interface Series {
  readonly name: string
  /** Of the page's colours: "one", "two" or "bad". */
  readonly colour: string
  readonly values: ReadonlyArray<number>
  /** The space below the line is filled. */
  readonly filled?: boolean
  /** Seen on both sides of another line that runs on it. */
  readonly wide?: boolean
}

export interface TimePlot {
  readonly title: string
  readonly sentence: string
  /** What the vertical axis counts. */
  readonly unit: string
  readonly times: ReadonlyArray<number>
  readonly series: ReadonlyArray<Series>
  /** The vertical axis may begin near the values, where zero is far from them. */
  readonly near?: boolean
  /** A line at the value that was asked for. */
  readonly asked?: { readonly name: string; readonly value: number }
}

export const timePlot = (report: Report, plot: TimePlot): Markup => {
  const end = Math.max(1, plot.times.at(-1) ?? 0)
  const unit = timeUnit(end)
  const values = plot.series.flatMap(({ values }) => values)
  // Not Math.max(...values), whose arguments must fit on the stack.
  const [least, most] = values.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Number.POSITIVE_INFINITY, plot.asked?.value ?? 0]
  )
  // Far above zero the axis begins near the values, or their changes would not be seen.
  const from =
    plot.near === true && least > most / 2 && least < most
      ? roundDown(least - (most - least) * (HEADROOM - 1), most)
      : 0
  const x = scale(0, end / unit.seconds, LEFT, RIGHT, 7)
  const y = scale(from, from + roundUp((most - from) * HEADROOM), BOTTOM, TOP, 5)
  const seconds: Scale = { ...x, to: x.to * unit.seconds, at: (value) => x.at(value / unit.seconds) }
  const asked = plot.asked
  return figure(plot.title, plot.sentence, legend(plot.series), [
    axes(x, y, `virtual time, ${unit.name}`, plot.unit),
    markup`${faultMarks(report, seconds, TOP, BOTTOM)}`,
    ...(asked === undefined
      ? []
      : [
          markup`<line class="asked" x1="${LEFT}" x2="${RIGHT}" y1="${y.at(asked.value)}" y2="${y.at(asked.value)}"/>`,
          markup`<text class="note end" x="${RIGHT - 4}" y="${y.at(asked.value) - 5}">${asked.name}</text>`
        ]),
    ...plot.series.map((series) => line(series, plot.times, seconds, y)),
    markup`${violationMarks(report, seconds, TOP, BOTTOM)}`
  ])
}

/** How many lookups took how many hops, between their mean and what a search tree would take. */
export const hopsPlot = ({ figures, plan }: Report, sentence: string): Markup => {
  const { hops, hopsMean, log2Nodes } = figures
  const most = hops.reduce((a, b) => Math.max(a, b), 1)
  const last = Math.max(hops.length - 1, Math.ceil(log2Nodes))
  const slots = scale(-0.6, last + 0.6, LEFT, RIGHT, 12)
  const x = { ...slots, ticks: slots.ticks.filter((tick) => Number.isInteger(tick) && tick >= 0) }
  const y = scale(0, roundUp(most * 1.2), BOTTOM, TOP, 5)
  const half = Math.min(28, (x.at(1) - x.at(0)) * 0.4)
  const bars = hops.map((count, index) =>
    count === 0
      ? markup``
      : markup`<rect class="bar" x="${round(x.at(index) - half)}" y="${y.at(count)}" width="${round(half * 2)}" height="${round(BOTTOM - y.at(count))}" rx="2"><title>${`${whole(count)} lookups of ${index} hops`}</title></rect><text class="note middle" x="${x.at(index)}" y="${y.at(count) - 5}">${whole(count)}</text>`
  )
  return figure("Hops of a lookup", sentence, markup``, [
    axes(x, y, "hops: answers in the chain that led there", "lookups"),
    ...bars,
    upright(x.at(hopsMean), TOP + 9, `mean ${hopsMean.toFixed(2)}`, "two"),
    upright(x.at(log2Nodes), TOP + 23, `log2 of ${whole(plan.nodes)} is ${log2Nodes.toFixed(2)}`, "dim")
  ])
}

const figure = (title: string, sentence: string, legend: Markup, parts: ReadonlyArray<Markup>): Markup =>
  markup`<figure><figcaption><h3>${title}</h3><p>${sentence}</p></figcaption>${legend}
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${`${title}. ${sentence}`}">${parts}</svg></figure>
`

const legend = (series: ReadonlyArray<Series>): Markup =>
  markup`<p class="legend">${series.map(({ name, colour }) => markup`<span><i class="${colour}"></i>${name}</span> `)}</p>`

const axes = (x: Scale, y: Scale, xName: string, yName: string): Markup =>
  markup`<g class="axes">${y.ticks.map(
    (tick) =>
      markup`<line x1="${LEFT}" x2="${RIGHT}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text class="end" x="${LEFT - 7}" y="${y.at(tick) + 4}">${tickText(tick)}</text>`
  )}${x.ticks.map((tick) => markup`<text class="middle" x="${x.at(tick)}" y="${BOTTOM + 16}">${tickText(tick)}</text>`)}<line class="base" x1="${LEFT}" x2="${RIGHT}" y1="${BOTTOM}" y2="${BOTTOM}"/><text class="middle name" x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 7}">${xName}</text><text class="middle name" transform="translate(12 ${(TOP + BOTTOM) / 2}) rotate(-90)">${yName}</text></g>`

const line = ({ colour, filled, values, wide }: Series, times: ReadonlyArray<number>, x: Scale, y: Scale): Markup => {
  const points = values.map((value, index) => `${x.at(times[index] ?? 0)},${y.at(value)}`).join(" ")
  const area = `${x.at(times[0] ?? 0)},${BOTTOM} ${points} ${x.at(times.at(-1) ?? 0)},${BOTTOM}`
  const below = filled === true ? markup`<polygon class="area ${colour}" points="${area}"/>` : markup``
  return markup`${below}<polyline class="line ${colour}${wide === true ? " wide-line" : ""}" points="${points}"/>`
}

/** A line through the plot, with its name on the side where there is room. */
const upright = (x: number, y: number, name: string, colour: string): Markup => {
  const turned = x > (LEFT + RIGHT) * 0.6
  return markup`<line class="upright ${colour}" x1="${x}" x2="${x}" y1="${TOP}" y2="${BOTTOM}"/><text class="note ${turned ? "end" : "start"}" x="${turned ? x - 6 : x + 6}" y="${y}">${name}</text>`
}
