/**
 * The one clock and the one queue of a simulated world. Time stands still while anything can be done and jumps to the
 * next event when nothing can: an hour takes as long as what happens in it.
 *
 * It is Effect's Scheduler for every fiber of the world, so all that runs, runs inside `run`, in an order that depends
 * on nothing outside. Nothing here is asynchronous. A 4-ary heap keeps the events: half the levels of a binary one.
 */
import type { Fiber, Scheduler } from "effect"
import type { Process } from "./Process.ts"

/** Something that happens at a time. `fire` may schedule further ones. */
export abstract class TimedEvent {
  /** Milliseconds since the world began. */
  at = 0
  order = 0
  /** Whose event this is: it waits while that process is paused and is dropped when it has died. */
  process: Process | undefined
  cancelled = false
  abstract fire(): void
  /** Instead of `fire`, when the process is no more. */
  lost(_process: Process): void {}
}

/** Steps without time passing, after which the fibers are taken to chase each other's tails. */
const LIVELOCK = 20_000_000

export class Livelock extends Error {
  constructor(at: number) {
    super(`fibers keep each other busy at ${at} ms: virtual time would stand still for ever`)
  }
}

/** Why `run` came back: what it waited for happened; the time was reached; nothing is left to happen; enough was done. */
export type Halt = "stopped" | "reached" | "idle" | "spent"

export class VirtualTime implements Scheduler.Scheduler {
  readonly executionMode = "sync"
  /** Milliseconds since the world began. */
  now = 0
  /** Events that have happened. */
  fired = 0
  readonly #heap: Array<TimedEvent> = []
  #order = 0
  #ready: Array<() => void> = []
  #late: Array<() => void> = []
  #running = false
  readonly #livelock: number

  /** `livelock`: steps without time passing that are too many. */
  constructor(livelock = LIVELOCK) {
    this.#livelock = livelock
  }

  readonly #dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task, priority) => void (priority <= 0 ? this.#ready : this.#late).push(task),
    flush: () => {}
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this.#dispatcher
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
  }

  /** Whether the caller is itself part of the world. */
  get isRunning(): boolean {
    return this.#running
  }

  /** Events that wait, cancelled ones included until their time. */
  get waiting(): number {
    return this.#heap.length
  }

  /** `delay` in milliseconds from now. */
  schedule(event: TimedEvent, delay: number, process: Process | undefined): void {
    event.at = this.now + (delay > 0 ? delay : 0)
    event.order = this.#order++
    event.process = process
    this.#push(event)
  }

  /** Runs the world until `stop` holds, at most to the time `until` and through `budget` events. */
  run(stop: () => boolean, until: number, budget = Number.POSITIVE_INFINITY): Halt {
    this.#running = true
    try {
      for (let left = budget; ; left--) {
        this.#drain()
        if (stop()) return "stopped"
        if (left <= 0) return "spent"
        const next = this.#peek()
        if (next === undefined || next.at > until) {
          if (Number.isFinite(until)) this.now = Math.max(this.now, until)
          return next === undefined ? "idle" : "reached"
        }
        this.#pop()
        this.now = next.at
        const process = next.process
        if (process !== undefined && process.state !== "running") {
          if (process.state === "paused") process.hold(next)
          else next.lost(process)
          continue
        }
        this.fired++
        next.fire()
      }
    } finally {
      this.#running = false
    }
  }

  /** Everything that can be done now: fibers in the order in which they became ready, then the ends of ticks. */
  #drain(): void {
    let steps = 0
    while (this.#ready.length > 0 || this.#late.length > 0) {
      const lane = this.#ready.length > 0 ? this.#ready : this.#late
      if (lane === this.#ready) this.#ready = []
      else this.#late = []
      for (let at = 0; at < lane.length; at++) lane[at]?.()
      steps += lane.length
      if (steps > this.#livelock) throw new Livelock(this.now)
    }
  }

  #peek(): TimedEvent | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (!top.cancelled) return top
      this.#pop()
    }
    return undefined
  }

  #push(event: TimedEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const above = (at - 1) >> 2
      const parent = heap[above] as TimedEvent
      if (!isBefore(event, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  /** Removes the first. */
  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    const size = heap.length
    if (last === undefined || size === 0) return
    let at = 0
    for (;;) {
      const first = 4 * at + 1
      if (first >= size) break
      let least = first
      const end = Math.min(first + 4, size)
      for (let child = first + 1; child < end; child++) {
        if (isBefore(heap[child] as TimedEvent, heap[least] as TimedEvent)) least = child
      }
      const child = heap[least] as TimedEvent
      if (!isBefore(child, last)) break
      heap[at] = child
      at = least
    }
    heap[at] = last
  }
}

const isBefore = (a: TimedEvent, b: TimedEvent): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
