import { assert, describe, it } from "@effect/vitest"
import type { LinkProfile } from "#schemas/simulation/Plan"
import { GIVE_UP, RETRANSMIT, Wire } from "#simulator/network/Wire"

const quiet: LinkProfile = {
  latency: 40,
  spread: 0.5,
  jitter: 0,
  bandwidth: 1e6,
  loss: 0,
  duplication: 0,
  reordering: 0
}

describe("Wire", () => {
  it("gives each pair of machines one latency, the same there and back, in every wire of the seed", () => {
    const [wire, again, other] = [new Wire(quiet, 1), new Wire(quiet, 1), new Wire(quiet, 2)]
    assert.strictEqual(wire.latency(3, 9), wire.latency(9, 3))
    assert.strictEqual(wire.latency(3, 9), again.latency(3, 9))
    assert.notStrictEqual(wire.latency(3, 9), wire.latency(3, 10))
    assert.notStrictEqual(wire.latency(3, 9), other.latency(3, 9))
  })

  it("draws latencies around the median that the profile names, and as wide", () => {
    const wire = new Wire(quiet, 1)
    const logs = Array.from({ length: 4_000 }, (_, n) => Math.log(wire.latency(n, n + 7)))
    const mean = logs.reduce((sum, it) => sum + it, 0) / logs.length
    const deviation = Math.sqrt(logs.reduce((sum, it) => sum + (it - mean) ** 2, 0) / logs.length)
    assert.closeTo(Math.exp(mean), 40, 1.5)
    assert.closeTo(deviation, 0.5, 0.03)
  })

  it("adds nothing to a message on a good line, and waits longer for each time that it is lost", () => {
    assert.deepStrictEqual(new Wire(quiet, 1).delay(0, 1, 40), { extra: 0, copies: 1 })
    const lossy = new Wire({ ...quiet, loss: 0.5 }, 1)
    const waits = new Map<number, number>()
    for (let n = 0; n < 8_000; n++) {
      const { copies, extra } = lossy.delay(0, 1, 40)
      assert.strictEqual(extra, RETRANSMIT * (2 ** (copies - 1) - 1))
      waits.set(copies, (waits.get(copies) ?? 0) + 1)
    }
    assert.closeTo((waits.get(1) ?? 0) / 8_000, 0.5, 0.03)
    assert.closeTo((waits.get(2) ?? 0) / 8_000, 0.25, 0.03)
  })

  it("lets something through where nearly everything is lost, in the end", () => {
    const hopeless = new Wire({ ...quiet, loss: 1 }, 1)
    for (let n = 0; n < 500; n++) assert.isBelow(hopeless.delay(0, 1, 40).extra, 2 * GIVE_UP)
  })

  it("counts a message that goes twice, and delays one that others overtake", () => {
    assert.deepStrictEqual(new Wire({ ...quiet, duplication: 1 }, 1).delay(0, 1, 40), { extra: 0, copies: 2 })
    const late = new Wire({ ...quiet, reordering: 1 }, 1)
    const extras = Array.from({ length: 2_000 }, () => late.delay(0, 1, 40).extra)
    assert.closeTo(extras.reduce((sum, it) => sum + it, 0) / 2_000, 40, 4)
  })

  it("is worse for those alone that are named, in either direction, until that ends", () => {
    const wire = new Wire(quiet, 1)
    const worse = { latency: 300, loss: 0, duplication: 0, reordering: 0 }
    const end = wire.degrade({ ...worse, nodes: new Set([2]) })
    const extras = () => [wire.delay(2, 1, 40), wire.delay(1, 2, 40), wire.delay(0, 1, 40)].map((it) => it.extra)
    assert.deepStrictEqual(extras(), [300, 300, 0])
    const endAll = wire.degrade({ ...worse, nodes: undefined })
    assert.deepStrictEqual(extras(), [600, 600, 300])
    end()
    assert.deepStrictEqual(extras(), [300, 300, 300])
    endAll()
    assert.deepStrictEqual(extras(), [0, 0, 0])
  })

  it("lets pass what no cut holds back, and everything once it is mended", () => {
    const wire = new Wire(quiet, 1)
    const end = wire.cut({ passes: (from) => from !== 1 })
    wire.cut({ passes: (_, to) => to !== 5 })
    const passing = () => [wire.passes(1, 2), wire.passes(2, 1), wire.passes(2, 5)]
    assert.deepStrictEqual(passing(), [false, true, false])
    end()
    assert.deepStrictEqual(passing(), [true, true, false])
    wire.degrade({ nodes: undefined, latency: 9, loss: 0, duplication: 0, reordering: 0 })
    wire.mend()
    assert.deepStrictEqual(passing(), [true, true, true])
    assert.strictEqual(wire.delay(0, 1, 40).extra, 0)
  })
})
