/**
 * The memory of a run: a hash over everything that happened, in which two runs of one seed must agree, and the last
 * events in words for whoever looks into a failure.
 */

/** Messages and sentences that are kept for a failure. */
const MESSAGES = 32
const SENTENCES = 160

export class Trace {
  readonly #now: () => number
  readonly #sentences: Array<{ readonly at: number; readonly text: string }> = []
  readonly #messages = new Float64Array(MESSAGES * 4)
  #next = 0
  #seen = 0
  #low = 0x9e3779b9
  #high = 0x85ebca6b

  /** `now` in milliseconds of virtual time. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** A message on its way; `sum` is a checksum of its bytes. */
  message(from: number, to: number, size: number, sum: number): void {
    const now = this.#now()
    // Virtual time has fractions; microseconds tell any two orders of events apart.
    this.#mix(Math.round(now * 1000) | 0, (from << 16) ^ to, size, sum)
    const slot = (this.#next++ % MESSAGES) * 4
    this.#messages[slot] = now
    this.#messages[slot + 1] = from
    this.#messages[slot + 2] = to
    this.#messages[slot + 3] = size
    this.#seen = Math.min(this.#seen + 1, MESSAGES)
  }

  /** Anything else worth remembering: a fault, an operation that ended, a log line. */
  note(text: string): void {
    let sum = 0
    for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0
    this.#mix(Math.round(this.#now() * 1000) | 0, text.length, sum, 1)
    this.#sentences.push({ at: this.#now(), text })
    if (this.#sentences.length > 2 * SENTENCES) this.#sentences.splice(0, SENTENCES)
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.#low, this.#high].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("")
  }

  /** What happened last, oldest first, `start` being when the network stood. */
  lastEvents(start: number): ReadonlyArray<string> {
    const messages = Array.from({ length: this.#seen }, (_, index) => {
      const [at = 0, from, to, size] = this.#messages.subarray(index * 4, index * 4 + 4)
      return { at, text: `node ${from} → node ${to}: ${size} bytes` }
    })
    return [...this.#sentences.slice(-SENTENCES), ...messages]
      .sort((a, b) => a.at - b.at)
      .map(({ at, text }) => `${((at - start) / 1000).toFixed(3)} s  ${text}`)
  }

  #mix(a: number, b: number, c: number, d: number): void {
    let low = this.#low
    let high = this.#high
    low = Math.imul(low ^ a, 0x9e3779b1) ^ (high >>> 15)
    high = Math.imul(high ^ b, 0x85ebca77) ^ (low >>> 13)
    low = Math.imul(low ^ c, 0xc2b2ae3d) ^ (high >>> 16)
    high = Math.imul(high ^ d, 0x27d4eb2f) ^ (low >>> 14)
    this.#low = low
    this.#high = high
  }
}
