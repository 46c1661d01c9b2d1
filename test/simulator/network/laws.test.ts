import { describe } from "@effect/vitest"
import { Effect, Layer, Scheduler } from "effect"
import { Network } from "#simulator/network/Network"
import { Wire } from "#simulator/network/Wire"
import { Trace } from "#simulator/Trace"
import { Process } from "#simulator/time/Process"
import { VirtualTime } from "#simulator/time/VirtualTime"
import { transportLaws } from "../../laws/transport.ts"
import { virtually } from "../inVirtualTime.ts"

const link = { latency: 20, spread: 0, jitter: 1, bandwidth: 1e9, loss: 0, duplication: 0, reordering: 0 }
const bad = { ...link, loss: 0.2, duplication: 0.1, reordering: 0.3 }

/** One machine that dials itself. */
const transport = (profile: typeof link) =>
  Layer.unwrap(
    Effect.map(Scheduler.Scheduler, (time) => {
      if (!(time instanceof VirtualTime)) throw new Error("the laws of this transport hold in virtual time")
      const network = new Network(time, new Wire(profile, 1), new Trace(() => time.now))
      const host = network.addHost("none")
      host.process = new Process(time)
      host.up = true
      return network.layerOf(host)
    })
  )

let port = 1_024

for (const [name, profile] of [
  ["simulated", link],
  ["simulated, over a bad line", bad]
] as const) {
  describe(name, () => {
    transportLaws({
      it: (name, body) => virtually(name, body),
      turn: Effect.sleep("10 millis"),
      layer: transport(profile),
      // There is no port 0 that means any.
      get anywhere() {
        return `/ip4/11.0.0.1/tcp/${port++}`
      },
      nobody: "/ip4/11.0.0.1/tcp/9",
      foreign: "/memory/3"
    })
  })
}
