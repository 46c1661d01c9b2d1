import { assert, describe, it } from "@effect/vitest"
import { Dice } from "#simulator/Dice"
import { Process } from "#simulator/time/Process"
import { Livelock, TimedEvent, VirtualTime } from "#simulator/time/VirtualTime"

class Noted extends TimedEvent {
  readonly name: string
  readonly #log: Array<string>
  readonly #then: () => void

  constructor(name: string, log: Array<string>, then: () => void = () => {}) {
    super()
    this.name = name
    this.#log = log
    this.#then = then
  }

  fire(): void {
    this.#log.push(this.name)
    this.#then()
  }

  override lost(process: Process): void {
    this.#log.push(`${this.name} lost to one ${process.state}`)
  }
}

const make = () => {
  const time = new VirtualTime()
  const log: Array<string> = []
  const at = (delay: number, name: string, process?: Process, then?: () => void): Noted => {
    const event = new Noted(name, log, then)
    time.schedule(event, delay, process)
    return event
  }
  const run = (until = Number.POSITIVE_INFINITY) => time.run(() => false, until)
  return { time, log, at, run, process: new Process(time) }
}

describe("VirtualTime", () => {
  it("lets events happen in the order of their times, and of their scheduling where those are equal", () => {
    const { at, log, run, time } = make()
    at(30, "d")
    at(10, "a")
    at(10, "b")
    at(20, "c")
    at(-5, "now")
    assert.strictEqual(run(), "idle")
    assert.deepStrictEqual(log, ["now", "a", "b", "c", "d"])
    assert.strictEqual(time.now, 30)
    assert.strictEqual(time.fired, 5)
  })

  it("jumps to each event, and to the time it was run until", () => {
    const { at, run, time } = make()
    const seen: Array<number> = []
    at(1_000, "a", undefined, () => seen.push(time.now))
    at(2_000.25, "b", undefined, () => seen.push(time.now))
    assert.strictEqual(run(1_999), "reached")
    assert.strictEqual(time.now, 1_999)
    assert.strictEqual(run(5_000), "idle")
    assert.deepStrictEqual([...seen, time.now], [1_000, 2_000.25, 5_000])
  })

  it("lets no cancelled event happen, whether it lies first or in the middle", () => {
    const { at, log, run, time } = make()
    const [first, , third] = [at(1, "a"), at(2, "b"), at(3, "c")]
    first.cancelled = true
    third.cancelled = true
    run()
    assert.deepStrictEqual(log, ["b"])
    assert.strictEqual(time.waiting, 0)
  })

  it("takes events that are scheduled by events, at the same instant after those that were there", () => {
    const { at, log, run } = make()
    at(5, "a", undefined, () => void at(0, "later"))
    at(5, "b")
    run()
    assert.deepStrictEqual(log, ["a", "b", "later"])
  })

  it("does with any commands what a sorted list does", () => {
    for (let seed = 0; seed < 40; seed++) {
      const dice = new Dice(seed)
      const { at, log, time } = make()
      const naive: Array<{ readonly at: number; readonly name: string }> = []
      const expected: Array<string> = []
      const events: Array<Noted> = []
      for (let step = 0; step < 400; step++) {
        const draw = dice.int(10)
        if (draw < 6) {
          const [delay, name] = [dice.int(50), `${step}`]
          events.push(at(delay, name))
          naive.push({ at: time.now + delay, name })
        } else if (draw < 8 && events.length > 0) {
          const event = dice.pick(events)
          event.cancelled = true
          const place = naive.findIndex((it) => it.name === event.name)
          if (place >= 0) naive.splice(place, 1)
        } else {
          const until = time.now + dice.int(40)
          time.run(() => false, until)
          const due = naive.filter((it) => it.at <= until).sort((a, b) => a.at - b.at)
          expected.push(...due.map((it) => it.name))
          for (const it of due) naive.splice(naive.indexOf(it), 1)
        }
      }
      assert.deepStrictEqual(log, expected, `seed ${seed}`)
    }
  })

  it("stops where it is told, and after as many events as it may spend", () => {
    const { at, log, time } = make()
    for (let n = 0; n < 5; n++) at(n + 1, `${n}`)
    assert.strictEqual(
      time.run(() => log.length === 2, 100),
      "stopped"
    )
    assert.strictEqual(time.now, 2)
    assert.strictEqual(
      time.run(() => false, 100, 2),
      "spent"
    )
    assert.strictEqual(log.length, 4)
  })

  it("keeps the events of a paused process for the moment it goes on, in their order", () => {
    const { at, log, process, run, time } = make()
    at(1, "a", process)
    at(3, "c", process)
    at(2, "b", process)
    at(2, "another's")
    process.pause()
    run(10)
    assert.deepStrictEqual(log, ["another's"])
    process.resume()
    assert.strictEqual(time.now, 10)
    run(10)
    assert.deepStrictEqual(log, ["another's", "a", "b", "c"])
  })

  it("keeps no event that was cancelled during the pause", () => {
    const { at, log, process, run } = make()
    const event = at(1, "a", process)
    process.pause()
    run(10)
    event.cancelled = true
    process.resume()
    run(20)
    assert.deepStrictEqual(log, [])
  })

  it("tells an event that its process has died or ended, held ones included, and lets it not happen", () => {
    const { at, log, process, run, time } = make()
    const ended = new Process(time)
    at(1, "a", process)
    at(1, "b", ended)
    process.die()
    ended.end()
    run(5)
    assert.deepStrictEqual(log, ["a lost to one dead", "b lost to one ended"])
    process.resume()
    assert.strictEqual(process.state, "dead")
  })

  it("names fibers that keep each other busy for ever", () => {
    const time = new VirtualTime(1_000)
    const dispatcher = time.makeDispatcher()
    const again = (): void => dispatcher.scheduleTask(again, 0)
    dispatcher.scheduleTask(again, 0)
    assert.throws(() => time.run(() => false, 1), Livelock)
    assert.isFalse(time.isRunning)
  })

  it("runs the ends of ticks after everything else that can be done", () => {
    const { log, run, time } = make()
    const dispatcher = time.makeDispatcher()
    dispatcher.scheduleTask(() => log.push("late"), 10)
    dispatcher.scheduleTask(() => {
      log.push("first")
      dispatcher.scheduleTask(() => log.push("second"), 0)
    }, 0)
    run(0)
    assert.deepStrictEqual(log, ["first", "second", "late"])
  })
})
