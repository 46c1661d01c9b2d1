import { describe, it } from "@effect/vitest"
import { Layer } from "effect"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { transportLaws } from "../../laws/transport.ts"

describe("MemoryTransport", () => {
  transportLaws({
    it: it.effect,
    layer: MemoryTransport.layer.pipe(Layer.provide(MemoryTransport.hub)),
    anywhere: "/memory/0",
    nobody: "/memory/77",
    foreign: "/ip4/127.0.0.1/tcp/1"
  })
})
