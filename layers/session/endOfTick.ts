/** Lets each session that was offered something in this tick seal and write once, at its end. */
import type { Scheduler } from "effect"
import type { Link } from "./Link.ts"

/** After everything that runs at priority 0 in the same tick. */
const LAST = 1

/** A task of the scheduler, so that a simulation that brings its own sees and orders it. */
export const flushAtEndOfTick = (dispatcher: Scheduler.SchedulerDispatcher) => {
  let waiting: Array<Link> = []
  const flush = (): void => {
    const links = waiting
    waiting = []
    for (const link of links) link.flush()
  }
  return (link: Link): void => {
    if (waiting.push(link) === 1) dispatcher.scheduleTask(flush, LAST)
  }
}
