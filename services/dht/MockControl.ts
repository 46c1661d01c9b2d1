/** Has a Dht without a network (`MockDht`) behave as a bad one does, for the tests of whoever stands above it. */
import { Context, type Duration, type Effect } from "effect"
import type { StorageFailed } from "../storage/RecordStore.ts"
import type { Dht, PrivacyUnavailable } from "./Dht.ts"

export type Operation = keyof Dht["Service"]

/** What an operation may fail with. */
export type OperationError<K extends Operation> = Effect.Error<ReturnType<Dht["Service"][K]>>

export interface Behaviour<E> {
  /** Before it answers, or fails; `Duration.infinity` is silence. */
  readonly latency?: Duration.Input
  readonly failure?: E
}

export class MockControl extends Context.Service<
  MockControl,
  {
    /** From now on all operations do so; `{}` is as before. Forgets what was said of single ones. */
    readonly all: (behaviour: Behaviour<StorageFailed | PrivacyUnavailable>) => Effect.Effect<void>
    /** From now on this one does so, whatever the others do. */
    readonly one: <K extends Operation>(operation: K, behaviour: Behaviour<OperationError<K>>) => Effect.Effect<void>
    /** Pretends that so many others answer, and hold what is put; 0 at first. */
    readonly peers: (count: number) => Effect.Effect<void>
  }
>()("allium/services/dht/MockControl") {}
