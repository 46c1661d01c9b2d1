/** Where a value lies in a drawing, and which values an axis names. */
import { whole } from "./figures.ts"

export interface Scale {
  readonly from: number
  readonly to: number
  /** The values that the axis names. */
  readonly ticks: ReadonlyArray<number>
  readonly at: (value: number) => number
}

/** From `start` to `end` in the drawing; the ticks are round numbers, about `count` of them. */
export const scale = (from: number, to: number, start: number, end: number, count: number): Scale => {
  const step = roundStep((to - from) / count)
  const ticks: Array<number> = []
  for (let at = Math.ceil(from / step); at * step <= to; at++) ticks.push(at * step + 0) // not -0
  return { from, to, ticks, at: (value) => round(start + ((value - from) / (to - from)) * (end - start)) }
}

/** An end for an axis on which `most` must have room: a round number above it. */
export const roundUp = (most: number): number => {
  if (most <= 0) return 1
  const step = roundStep(most / 6)
  return Math.max(step, Math.ceil(most / step) * step)
}

/** As `roundUp`, below. */
export const roundDown = (least: number, most: number): number => {
  const step = roundStep((most - least) / 4)
  return Math.max(0, Math.floor(least / step) * step)
}

/** 1, 2 or 5 times a power of ten. */
const roundStep = (rough: number): number => {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-6)))
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
}

/** Tenths of a unit of the drawing are as fine as anyone sees. */
export const round = (value: number): number => Math.round(value * 10) / 10

/** "0.5", "1,000". */
export const tickText = (value: number): string =>
  Number.isInteger(value) ? whole(value) : String(Number(value.toPrecision(3)))

/** The unit in which a stretch of virtual time is read best. */
export const timeUnit = (seconds: number): { readonly name: string; readonly seconds: number } => {
  if (seconds <= 180) return { name: "seconds", seconds: 1 }
  return seconds <= 4 * 3_600 ? { name: "minutes", seconds: 60 } : { name: "hours", seconds: 3_600 }
}
