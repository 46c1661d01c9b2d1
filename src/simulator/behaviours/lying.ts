/**
 * Names contacts that are none. Most are signed as they should be, so that only whoever dials them finds out; now and
 * then one is not signed, or is a real node that is said to be elsewhere. It stores what it is given.
 */
import { Effect, Layer } from "effect"
import { makeAnswering } from "#layers/dht/DhtServer"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Rpc } from "#services/rpc/Rpc"
import { brokenSignature, makeLiars, moved } from "./liars.ts"

/** In one answer. */
const NAMED = 10

const make = Effect.gen(function* () {
  const [rpc, table, liars, properly] = [yield* Rpc, yield* RoutingTable, yield* makeLiars, yield* makeAnswering]
  let answers = 0

  const lies = (target: Uint8Array): Array<Uint8Array> => {
    const named = liars.closest(target, NAMED).map((contact) => contact.bytes)
    const [first] = named
    const [real] = table.closest(target, 1)
    // What can be seen without dialling is costly for a liar, so it is not in every answer.
    answers++
    if (answers % 4 === 0 && first !== undefined) named[0] = brokenSignature(first)
    if (answers % 4 === 2 && real !== undefined) named.push(moved(real, liars.nowhere()))
    return named
  }

  yield* rpc.handleDht((request, from) => {
    switch (request._tag) {
      case "FindNode":
        return Effect.succeed({ _tag: "Nodes", peers: lies(request.target) })
      case "FindValue":
      case "GetProviders":
        return Effect.succeed({ _tag: "Values", records: [], peers: lies(request.key), more: false })
      default:
        return properly(request, from)
    }
  })
})

export const layer = Layer.effectDiscard(make)
