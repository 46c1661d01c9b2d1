/** One run of a node's program, as the world's time sees it: running, stopped for a while, ended or dead. */
import type { TimedEvent, VirtualTime } from "./VirtualTime.ts"

export class Process {
  state: "running" | "paused" | "ended" | "dead" = "running"
  /** Timers that were still set when the program had ended in order: each one is a leak. */
  leftTimers = 0
  /** What its wall clock is off, in milliseconds. */
  skew = 0
  readonly #time: VirtualTime
  #held: Array<TimedEvent> = []

  constructor(time: VirtualTime) {
    this.#time = time
  }

  /** An event whose time came during the pause. */
  hold(event: TimedEvent): void {
    this.#held.push(event)
  }

  pause(): void {
    if (this.state === "running") this.state = "paused"
  }

  /** Whatever should have happened happens now, in its order: the program wakes with an old view of the world. */
  resume(): void {
    if (this.state !== "paused") return
    this.state = "running"
    const held = this.#held
    this.#held = []
    for (const event of held) if (!event.cancelled) this.#time.schedule(event, 0, this)
  }

  /** It closed everything itself. */
  end(): void {
    this.state = "ended"
    this.#held = []
  }

  /** No finalizer runs and no timer fires any more: what a `kill -9` leaves. */
  die(): void {
    this.state = "dead"
    this.#held = []
  }
}
