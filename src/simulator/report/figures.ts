/** How a report writes numbers, for a terminal as for a page: with their unit, and no more digits than one reads. */

const grouped = (value: number, digits: number): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** "1,234". */
export const whole = (value: number): string => grouped(Math.round(value), 0)

/** "3.1", and without a fraction where it says nothing: "12", "480". */
export const decimal = (value: number): string => grouped(value, Number.isInteger(value) || value >= 100 ? 0 : 1)

/** "1 node", "2 nodes". */
export const many = (count: number, noun: string): string => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`

/** "4.2 ms", "340 ms", "1.25 s". */
export const millis = (value: number): string => {
  if (value > 0 && value < 10) return `${grouped(value, 1)} ms`
  return value < 1_000 ? `${whole(value)} ms` : `${grouped(value / 1_000, 2)} s`
}

/** "42.5 s", "5 min 12 s", "2 h 3 min", "1 d 4 h". */
export const span = (seconds: number): string => {
  if (seconds < 60) return `${decimal(Math.round(seconds * 10) / 10)} s`
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600)]
  if (hours < 1) return two(minutes, "min", Math.floor(seconds % 60), "s")
  return hours < 24 ? two(hours, "h", minutes % 60, "min") : two(Math.floor(hours / 24), "d", hours % 24, "h")
}

const two = (most: number, unit: string, rest: number, smaller: string): string =>
  rest === 0 ? `${most} ${unit}` : `${most} ${unit} ${rest} ${smaller}`

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"]

/** "1.5 MiB". */
export const size = (bytes: number): string => {
  const power = bytes < 1_024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${power === 0 ? whole(bytes) : grouped(bytes / 1_024 ** power, 1)} ${UNITS[power]}`
}

/** What a node sent may be in it: on one line, and without what a terminal would obey. */
export const plain = (text: string): string => text.replace(/\p{Cc}+/gu, " ")

export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`

/** What fills the share of a bar that is `width` characters long. */
export const bar = (share: number, width: number): string => {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  return "█".repeat(eighths >> 3) + (eighths % 8 === 0 ? "" : String.fromCharCode(0x2590 - (eighths % 8)))
}
