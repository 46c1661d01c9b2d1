/** Something to be done at a time, as a function. */
import { TimedEvent } from "./VirtualTime.ts"

export class Task extends TimedEvent {
  readonly #task: () => void

  constructor(task: () => void) {
    super()
    this.#task = task
  }

  fire(): void {
    this.#task()
  }
}
