/** Measuring: one JSON line a figure, in the shapes of bench/peers, so that both can be read side by side. */
import { performance } from "node:perf_hooks"

export interface Pace {
  /** Milliseconds of one repetition. */
  readonly ms: number
  /** Milliseconds before the first repetition counts. */
  readonly warm: number
  readonly reps: number
  /** Operations in flight in the concurrent figure. */
  readonly width: number
}

/** What a run of operations took. `cpu` is user and system time of this whole process, in seconds. */
interface Timed {
  readonly ops: number
  readonly wall: number
  readonly cpu: number
  /** Microseconds of each operation. */
  readonly latencies: ReadonlyArray<number>
}

export type Operation = () => Promise<unknown>
type Extra = Readonly<Record<string, unknown>>

const sorted = (values: ReadonlyArray<number>) => Float64Array.from(values).sort()

export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const all = sorted(values)
  return all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN
}

export const median = (values: ReadonlyArray<number>): number => {
  const all = sorted(values)
  const middle = all.length >> 1
  return all.length % 2 === 1 ? all[middle]! : ((all[middle - 1] ?? Number.NaN) + (all[middle] ?? Number.NaN)) / 2
}

const rounded = (value: unknown) =>
  typeof value === "number" && Number.isFinite(value) ? Number(value.toPrecision(4)) : value

export const emit = (figure: string, unit: string, values: ReadonlyArray<number>, extra: Extra = {}): void => {
  const fields = {
    peer: "allium",
    figure,
    unit,
    min: Math.min(...values),
    median: median(values),
    max: Math.max(...values),
    reps: values.length,
    ...extra,
    node: process.versions.node
  }
  console.log(JSON.stringify(Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, rounded(value)]))))
}

const timed = async (work: () => Promise<ReadonlyArray<number>>): Promise<Timed> => {
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const latencies = await work()
  const wall = (performance.now() - start) / 1e3
  const cpu = process.cpuUsage(cpuBefore)
  return { ops: latencies.length, wall, cpu: (cpu.user + cpu.system) / 1e6, latencies }
}

/** `width` workers, each one operation at a time, for so many milliseconds. */
const repeat = (operation: Operation, width: number, ms: number): Promise<Timed> =>
  timed(async () => {
    const latencies: Array<number> = []
    const end = performance.now() + ms
    const worker = async () => {
      for (let now = performance.now(); now < end; ) {
        await operation()
        const then = performance.now()
        latencies.push((then - now) * 1e3)
        now = then
      }
    }
    await Promise.all(Array.from({ length: width }, worker))
    return latencies
  })

const cpuFigures = (runs: ReadonlyArray<Timed>) => ({
  cpu_us_per_op: median(runs.map((run) => (run.cpu / run.ops) * 1e6)),
  cpu_share: median(runs.map((run) => run.cpu / run.wall)),
  ops_per_rep: median(runs.map((run) => run.ops))
})

/** Latency and rate one at a time, then the rate with `width` in flight. */
export const rateFigures = async (
  figure: string,
  operation: Operation,
  pace: Pace,
  extra: Extra = {}
): Promise<void> => {
  await repeat(operation, 1, pace.warm / 2)
  await repeat(operation, pace.width, pace.warm / 2)
  const one: Array<Timed> = []
  const many: Array<Timed> = []
  for (let rep = 0; rep < pace.reps; rep++) {
    one.push(await repeat(operation, 1, pace.ms))
    many.push(await repeat(operation, pace.width, pace.ms))
  }
  const latency = (share: number) => one.map((run) => percentile(run.latencies, share))
  const rate = (runs: ReadonlyArray<Timed>) => runs.map((run) => run.ops / run.wall)
  emit(`${figure}.seq.p50`, "us", latency(0.5), extra)
  emit(`${figure}.seq.p99`, "us", latency(0.99), extra)
  emit(`${figure}.seq.rate`, "op/s", rate(one), { ...extra, ...cpuFigures(one) })
  emit(`${figure}.x${pace.width}.rate`, "op/s", rate(many), { ...extra, ...cpuFigures(many) })
}

/** `send` resolves when the far side has acknowledged so many mebibytes. */
export const bulkFigure = async (send: (mib: number) => Promise<unknown>, mib: number, reps: number): Promise<void> => {
  await send(mib)
  const runs: Array<{ readonly wall: number; readonly cpu: number }> = []
  for (let rep = 0; rep < reps; rep++) {
    runs.push(
      await timed(async () => {
        await send(mib)
        return []
      })
    )
  }
  const rates = runs.map((run) => (mib * 1_048_576) / 1e6 / run.wall)
  emit("bulk", "MB/s", rates, {
    mib,
    cpu_ms_per_mib: median(runs.map((run) => (run.cpu * 1e3) / mib)),
    cpu_share: median(runs.map((run) => run.cpu / run.wall))
  })
}

/** Memory after the garbage is gone; needs `--expose-gc`. */
export const settledMemory = async (): Promise<NodeJS.MemoryUsage> => {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  globalThis.gc?.()
  return process.memoryUsage()
}
