/** Times as people give them: a date, a date with a time of day (ISO 8601), or how long ago it was (`2h`, `3d`). */

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

const AGO = /^(\d{1,6})\s*(s|min|m|h|d|w)$/
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/

/** Unix milliseconds; undefined where the text is no time. A date alone begins at midnight UTC, a time of day is local. */
export const timeOf = (text: string, now: number): number | undefined => {
  const ago = AGO.exec(text.trim())
  if (ago !== null) return Math.round(now - Number(ago[1]) * (UNITS[ago[2] ?? ""] ?? 0))
  const time = DATE.test(text.trim()) ? Date.parse(text.trim().replace(" ", "T")) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** "2026-03-01 12:30:05" in UTC; a time that no calendar has is told as what it is. */
export const clockTime = (milliseconds: number): string => {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? `${milliseconds}` : date.toISOString().slice(0, 19).replace("T", " ")
}
