/** What a mock was told to do in the place of what it would: to wait, to fail, to pretend. */
import { Effect } from "effect"
import type { NodeId } from "#schemas/identity/NodeId"
import type { Dht } from "#services/dht/Dht"
import { type Behaviour, MockControl, type Operation } from "#services/dht/MockControl"

export interface Program {
  readonly control: MockControl["Service"]
  /** Made up, each time the same. */
  readonly peers: () => ReadonlyArray<NodeId>
  /** The operations, each as it was told to be. */
  readonly applied: (dht: Dht["Service"]) => Dht["Service"]
}

const madeUp = (n: number): NodeId => {
  const id = new Uint8Array(32)
  new DataView(id.buffer).setUint32(0, n + 1)
  return id as NodeId
}

export const makeProgram = (): Program => {
  let all: Behaviour<unknown> = {}
  let peers: ReadonlyArray<NodeId> = []
  const single = new Map<Operation, Behaviour<unknown>>()

  /** What is told to fail does nothing else; who is slow has done nothing before his time. */
  const told = <A extends Array<unknown>, B, E>(operation: Operation, method: (...of: A) => Effect.Effect<B, E>) =>
    Effect.fnUntraced(function* (...of: A): Effect.fn.Return<B, E> {
      const { failure, latency } = single.get(operation) ?? all
      if (latency !== undefined) yield* Effect.sleep(latency)
      // `one` takes only what its operation may fail with, and `all` only what all of them may.
      if (failure !== undefined) return yield* Effect.fail(failure as E)
      return yield* method(...of)
    })

  return {
    control: MockControl.of({
      all: (behaviour) =>
        Effect.sync(() => {
          all = behaviour
          single.clear()
        }),
      one: (operation, behaviour) => Effect.sync(() => void single.set(operation, behaviour)),
      peers: (count) => Effect.sync(() => void (peers = Array.from({ length: count }, (_, n) => madeUp(n))))
    }),
    peers: () => peers,
    applied: (dht) => ({
      putBlock: told("putBlock", dht.putBlock),
      getBlock: told("getBlock", dht.getBlock),
      putMutable: told("putMutable", dht.putMutable),
      getMutable: told("getMutable", dht.getMutable),
      provide: told("provide", dht.provide),
      findProviders: told("findProviders", dht.findProviders),
      putName: told("putName", dht.putName),
      getName: told("getName", dht.getName),
      putRecord: told("putRecord", dht.putRecord),
      refresh: told("refresh", dht.refresh),
      getRecords: told("getRecords", dht.getRecords)
    })
  }
}
