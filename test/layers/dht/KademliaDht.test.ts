import { Effect, Layer } from "effect"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { dhtLaws } from "../../laws/dht.ts"
import { startNetwork } from "./network.ts"

const hub = Layer.build(MemoryTransport.hub)

dhtLaws(
  "KademliaDht on six nodes",
  Effect.gen(function* () {
    const nodes = yield* Effect.provideContext(startNetwork(6), yield* hub)
    const [writer, reader] = [nodes[1]!, nodes[4]!]
    return { dht: writer.dht, reader: reader.dht, author: writer.identity.publicKey }
  }).pipe(Effect.orDie)
)
