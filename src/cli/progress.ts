/**
 * Progress of long work, on stderr: a bar that redraws itself on a terminal, a line every ten seconds elsewhere, so
 * that a log of a night's work stays short and short work leaves none.
 */
import { duration, paintErr, size } from "./output.ts"

const BAR_WIDTH = 28
const REDRAW = 80 // ms
const LINE_EVERY = 10_000 // ms

export interface ProgressBar {
  readonly update: (bytes: number, total: number | undefined) => void
  /** Removes the bar; what is said next stands on a clean line. */
  readonly finish: () => void
}

/** Where it is drawn: `isTTY` is true for a terminal. */
export interface Screen {
  readonly isTTY?: boolean
  readonly write: (text: string) => boolean
}

export const progressBar = (verb: string, stream: Screen): ProgressBar => {
  const started = performance.now()
  const terminal = stream.isTTY === true
  let [drawn, shown] = [terminal ? -REDRAW : started, false]
  return {
    update: (bytes, total) => {
      const now = performance.now()
      if (now - drawn < (terminal ? REDRAW : LINE_EVERY)) return
      drawn = now
      shown = true
      const line = describe(verb, bytes, total, now - started)
      stream.write(terminal ? `\r\x1b[2K${bar(bytes, total)}${line}` : `${line}\n`)
    },
    finish: () => {
      if (terminal && shown) stream.write("\r\x1b[2K")
    }
  }
}

const describe = (verb: string, bytes: number, total: number | undefined, elapsed: number): string => {
  const rate = bytes / Math.max(elapsed / 1_000, 0.001)
  const left = total === undefined || rate === 0 ? "" : `, ${duration(((total - bytes) / rate) * 1_000)} left`
  const of = total === undefined ? size(bytes) : `${size(bytes)} of ${size(total)}`
  return `${verb} ${of}, ${size(Math.round(rate))}/s${left}`
}

const bar = (bytes: number, total: number | undefined): string => {
  if (total === undefined) return ""
  const full = total === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.floor((bytes / total) * BAR_WIDTH))
  return `${paintErr.green("━".repeat(full))}${paintErr.dim("━".repeat(BAR_WIDTH - full))} `
}
