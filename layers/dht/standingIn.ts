/**
 * What a node does by itself while the network is out of reach. It reads from a mock what it has seen before, its own disk
 * and what waits; and it writes down for later what it would have sent: signed and numbered now, so that it is the same
 * record whenever it goes out, however often it has to be tried.
 */
import { Cause, Clock, Effect, Exit, Metric, Option, Result, Semaphore } from "effect"
import { factsOf } from "#core/dht/facts"
import { equalBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import * as Metrics from "#services/dht/BackendMetrics"
import { type Dht, type GetError, type PutError, type PutOptions, type PutReceipt, PutRefused } from "#services/dht/Dht"
import { MIRRORED_FOR } from "#services/dht/Limits"
import { Crypto } from "#services/identity/Crypto"
import { OutboxStore, type QueuedWrite } from "#services/storage/OutboxStore"
import type { StorageFailed } from "#services/storage/RecordStore"
import { makeGauge } from "./guarding.ts"
import type { Mock } from "./MockDht.ts"

/** What is held of a record on this very node. */
export interface HeldRecord {
  readonly kind: number
  readonly bytes: Uint8Array
  /** Unix seconds. */
  readonly expires: number
}

/** The network, and this node's part of it that is there without anybody else. */
export interface RealBackend {
  readonly dht: Dht["Service"]
  readonly held: (kind: number, key: Uint8Array) => Effect.Effect<ReadonlyArray<HeldRecord>, StorageFailed>
  /** For so many seconds, unless it is refused. */
  readonly keep: (kind: number, bytes: Uint8Array, lifetime: number) => Effect.Effect<void, StorageFailed>
  /** From now on it is refreshed no more. */
  readonly release: (kind: number, key: Uint8Array) => Effect.Effect<void, StorageFailed>
}

export const OUTBOX_FULL = "OutboxFull"

export const makeStandIn = Effect.fnUntraced(function* (real: RealBackend, mock: Mock) {
  const [suite, clock, outbox] = [yield* Crypto, yield* Clock.Clock, yield* OutboxStore]
  const gauge = yield* makeGauge("mock")
  /** Writes go one after the other into the row. */
  const oneByOne = Semaphore.withPermit(yield* Semaphore.make(1))
  const now = () => Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
  /** Whether anything might wait: false only where it is known that nothing does. */
  let mayWait = true

  /** Whatever cannot be remembered is only not there later. */
  const mirror = (kind: number, bytes: Uint8Array, lifetime = MIRRORED_FOR) =>
    Effect.asVoid(Effect.exit(mock.dht.putRecord(kind, bytes, { lifetime })))

  const waiting = (kind: number, key: Uint8Array) =>
    Effect.suspend(() => (mayWait ? outbox.find(kind, key) : Effect.succeed([])))

  /** The newest that is known here of what is under a key. A disk that fails has nothing to add. */
  const bring = Effect.fnUntraced(function* (kind: number, key: Uint8Array) {
    const rows: ReadonlyArray<ReadonlyArray<HeldRecord>> = yield* Effect.all([
      Effect.catch(real.held(kind, key), () => Effect.succeed([])),
      Effect.catch(waiting(kind, key), () => Effect.succeed([]))
    ])
    for (const { bytes, expires } of rows.flat()) if (expires > now()) yield* mirror(kind, bytes, expires - now())
  })

  const asked = <A, E extends PutError | GetError>(effect: Effect.Effect<A, E>) =>
    Effect.flatMap(
      // It has nobody to ask: that it knows of nothing is all that it can say.
      gauge.judged("getBlock", effect, (exit) => (isBroken(exit) ? "failed" : "answered")),
      ({ exit }) => exit ?? Effect.die(new Error("it was given no time within which to answer"))
    )

  const read = <A, E extends GetError>(
    kind: number,
    key: Uint8Array,
    get: (dht: Dht["Service"]) => Effect.Effect<A, E>
  ) => Effect.andThen(bring(kind, key), asked(get(mock.dht)))

  const showWaiting = Effect.flatMap(outbox.status, ({ waiting }) => Metric.update(Metrics.waiting, waiting))

  const memberOf = (kind: number, bytes: Uint8Array): Uint8Array =>
    Result.getOrUndefined(factsOf(suite, kind, bytes))?.member ?? NONE

  const queue = Effect.fnUntraced(function* (write: Omit<QueuedWrite, "queued" | "member" | "seq">) {
    const { bytes, key, kind } = write
    const seq = Result.getOrUndefined(factsOf(suite, kind, bytes))?.seq ?? 0
    mayWait = true
    yield* outbox
      .add({ ...write, member: memberOf(kind, bytes), seq, queued: now() })
      .pipe(Effect.catchTag("StoreFull", () => new PutRefused({ key, refusals: [{ reason: OUTBOX_FULL, nodes: 1 }] })))
    yield* Metric.update(Metrics.queued, 1)
    yield* Effect.ignore(showWaiting)
    // What else this node does with its own record, as to sign it anew before it dies, goes on from the latest.
    if (kind !== RecordKind.Block) yield* Effect.ignore(real.keep(kind, bytes, write.expires - now()), { log: "Debug" })
  })

  const wantedOf = ({ factor = 0, keep, lifetime }: PutOptions) => ({ factor, keep: keep ?? lifetime === undefined })

  /** This node's own entry, or the only one. */
  const madeUnder = (kind: number, key: Uint8Array) => {
    const found = mock.under(kind, key)
    return found.find(({ member }) => equalBytes(member, mock.publicKey)) ?? found[0]
  }

  /**
   * Has the mock make the record, unless it is `finished`, and writes it down. Without room it is as if it had never been.
   */
  const write = <A extends PutReceipt, E extends PutError | GetError>(
    kind: number,
    key: Uint8Array,
    options: PutOptions,
    put: (dht: Dht["Service"]) => Effect.Effect<A, E>,
    finished?: Uint8Array
  ): Effect.Effect<A, E | PutRefused | StorageFailed> =>
    oneByOne(
      Effect.gen(function* () {
        yield* bring(kind, key)
        const { made, receipt } = yield* Effect.map(asked(put(mock.dht)), (receipt) => ({
          receipt,
          made: finished ?? madeUnder(kind, receipt.key)?.bytes
        }))
        if (made === undefined) return yield* new PutRefused({ key, refusals: [{ reason: "Quota", nodes: 1 }] })
        yield* queue({ kind, key: receipt.key, bytes: made, expires: receipt.expires, ...wantedOf(options) }).pipe(
          Effect.tapError(() => Effect.sync(() => mock.forget(kind, receipt.key, memberOf(kind, made))))
        )
        return { ...receipt, status: "queued" as const, reached: 1, holders: receipt.holders.slice(0, 1) }
      })
    )

  /** Writes down what the real one has made already, and placed with nobody. */
  const writeDown = <A extends PutReceipt>(kind: number, bytes: Uint8Array, options: PutOptions, receipt: A) =>
    oneByOne(
      Effect.as(queue({ kind, key: receipt.key, bytes, expires: receipt.expires, ...wantedOf(options) }), {
        ...receipt,
        status: "queued" as const
      })
    )

  return {
    mirror,
    read,
    write,
    writeDown,
    waiting,
    showWaiting,
    memberOf,
    setMayWait: (may: boolean) => void (mayWait = may),
    mayWait: () => mayWait,
    status: gauge.status
  }
})

export type StandIn = Effect.Success<ReturnType<typeof makeStandIn>>

const NONE = new Uint8Array(0)

const isBroken = (exit: Exit.Exit<unknown, PutError | GetError>): boolean =>
  Exit.isFailure(exit) && Option.getOrUndefined(Cause.findErrorOption(exit.cause))?._tag === "StorageFailed"
