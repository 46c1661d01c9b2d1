/**
 * Progress of long work, on stderr: a bar that redraws itself on a terminal, a line every ten seconds elsewhere, so
 * that a log of a night's work stays short and short work leaves none.
 */
import { Effect, Schedule } from "effect"
import { duration, paintErr, size } from "./output.ts"

const BAR_WIDTH = 28
const BAR_LEAST = 5
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
  readonly columns?: number
  readonly write: (text: string) => boolean
}

export const progressBar = (verb: string, stream: Screen): ProgressBar => {
  const { show, finish } = redrawn(stream)
  return {
    update: (bytes, total) => show((elapsed) => [share(bytes, total), describe(verb, bytes, total, elapsed)]),
    finish
  }
}

/** A person wonders what is going on after so long. */
const PATIENCE = "1 second"

/** Says what is being waited for, and for how long, once that takes longer than a second. */
export const patiently =
  (what: string, stream: Screen) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const { show, finish } = redrawn(stream)
      const draw = Effect.sync(() => show((elapsed) => [undefined, `${what}, ${duration(elapsed)}`]))
      const drawing = Effect.repeat(draw, Schedule.spaced(REDRAW)).pipe(
        Effect.delay(PATIENCE),
        Effect.andThen(Effect.never)
      )
      return Effect.ensuring(Effect.raceFirst(effect, drawing), Effect.sync(finish))
    })

export interface CountBar {
  readonly update: (done: number, total: number) => void
  readonly finish: () => void
}

/** Of things that are done one after the other, such as "encrypted 3 of 17". */
export const countBar = (verb: string, stream: Screen): CountBar => {
  const { show, finish } = redrawn(stream)
  return {
    update: (done, total) =>
      show((elapsed) => {
        const left = done === 0 ? "" : `, ${duration((elapsed / done) * (total - done))} left`
        return [share(done, total), `${verb} ${count(done)} of ${count(total)}${left}`]
      }),
    finish
  }
}

/** How far a simulated run has come. */
export interface SimulationStep {
  readonly phase: "starting" | "running" | "healing"
  readonly virtualSeconds: number
  readonly totalSeconds: number
  readonly alive: number
  readonly operations: number
}

/** How far the search for the smallest plan that fails has come. */
export interface ShrinkingStep {
  readonly phase: "shrinking"
  readonly runs: number
  readonly mostRuns: number
  /** Of the smallest so far. */
  readonly faults: number
  readonly lasts: number
}

export interface SimulationBar {
  readonly update: (step: SimulationStep | ShrinkingStep) => void
  readonly finish: () => void
}

/** `name` says which run it is, where there are several. */
export const simulationBar = (name: string, stream: Screen): SimulationBar => {
  const { show, finish } = redrawn(stream)
  let starting = 0
  return {
    update: (step) =>
      show((elapsed) => {
        if (step.phase === "shrinking") return [share(step.runs, step.mostRuns), `${name}${describeShrinking(step)}`]
        if (step.phase !== "starting")
          return [share(step.virtualSeconds, step.totalSeconds), `${name}${describeStep(step, elapsed - starting)}`]
        starting = elapsed
        return [undefined, `${name}starting, ${count(step.alive)} nodes, ${duration(step.virtualSeconds * 1_000)}`]
      }),
    finish
  }
}

/** Draws what it is given, if it is time to: how much of the bar is full, if that is known, and the line beside it. */
const redrawn = (stream: Screen) => {
  const started = performance.now()
  const terminal = stream.isTTY === true
  let [drawn, shown] = [terminal ? -REDRAW : started, false]
  return {
    show: (drawing: (elapsed: number) => readonly [number | undefined, string]): void => {
      const now = performance.now()
      if (now - drawn < (terminal ? REDRAW : LINE_EVERY)) return
      drawn = now
      shown = true
      const [full, line] = drawing(now - started)
      stream.write(terminal ? `\r\x1b[2K${fitted(full, line, stream.columns)}` : `${line}\n`)
    },
    finish: (): void => {
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

const describeStep = (step: SimulationStep, elapsed: number): string => {
  const { phase, virtualSeconds, totalSeconds, alive, operations } = step
  const speed = Math.round((virtualSeconds * 1_000) / Math.max(elapsed, 1))
  const time = `${duration(virtualSeconds * 1_000)} of ${duration(totalSeconds * 1_000)}`
  return `${phase}, ${time}, ${count(alive)} alive, ${count(operations)} operations, ${count(speed)} × real time`
}

const describeShrinking = ({ runs, mostRuns, faults, lasts }: ShrinkingStep): string =>
  `shrinking, ${runs} of at most ${mostRuns} runs, ${count(faults)} faults in ${duration(lasts * 1_000)} still fail`

const count = (value: number): string => value.toLocaleString("en-US")

const share = (done: number, total: number | undefined): number | undefined =>
  total === undefined ? undefined : total === 0 ? 1 : Math.min(1, done / total)

/** The bar takes what room the line leaves: a line that wrapped could not be drawn over. */
const fitted = (full: number | undefined, line: string, columns = Number.POSITIVE_INFINITY): string => {
  const width = Math.min(BAR_WIDTH, columns - line.length - 2)
  const text = line.slice(0, columns - 1)
  return full === undefined || width < BAR_LEAST ? text : `${bar(full, width)}${text}`
}

const bar = (share: number, width: number): string => {
  const full = Math.floor(share * width)
  return `${paintErr.green("━".repeat(full))}${paintErr.dim("━".repeat(width - full))} `
}
