/**
 * Which of the two backends carries an operation out, and what becomes of it where that one has failed. Reads see what this
 * node has written, although it may still wait; a write lines up behind an earlier one of its name that does.
 */
import { Effect, type Exit } from "effect"
import { nodeIdOf } from "#core/identity/signature"
import { equalBytes } from "#schemas/bytes/bytes"
import type { BackendMode } from "#services/dht/Backends"
import {
  type Dht,
  type GetError,
  type OperationOptions,
  PrivacyUnavailable,
  type PutError,
  type PutOptions,
  type PutReceipt,
  PutRefused
} from "#services/dht/Dht"
import type { Operation } from "#services/dht/MockControl"
import { Crypto } from "#services/identity/Crypto"
import type { StorageFailed } from "#services/storage/RecordStore"
import type { Guard } from "./guarding.ts"
import type { Mock } from "./MockDht.ts"
import type { HeldRecord, RealBackend, StandIn } from "./standingIn.ts"

/** One read. `E` has no more in it than this operation may fail with. */
export interface Reading<A, E> {
  readonly operation: Operation
  readonly kind: number
  readonly key: Uint8Array
  readonly options: OperationOptions | undefined
  /** Carries it out. */
  readonly get: (dht: Dht["Service"]) => Effect.Effect<A, E>
  /** As the real one is asked, where that shows more of what comes of it. */
  readonly ask?: (dht: Dht["Service"]) => Effect.Effect<A, E>
  /** What is said when nothing was heard at all. */
  readonly silent: Effect.Effect<A, E>
  /** Remembers it for when the network is out of reach. */
  readonly remember: (found: A) => Effect.Effect<void>
}

export interface Writing<A, E> {
  readonly operation: Operation
  readonly kind: number
  readonly key: Uint8Array
  readonly options: PutOptions
  readonly put: (dht: Dht["Service"]) => Effect.Effect<A, E>
  /** The record, where it is finished before it is put. */
  readonly finished?: Uint8Array
}

const UNUSED = "the network is out of use on this node: allium backend auto ends that"

export interface Parts {
  readonly real: RealBackend
  readonly mock: Mock
  readonly guard: Guard
  readonly standIn: StandIn
  readonly mode: () => BackendMode
}

export const makeChoice = Effect.fnUntraced(function* ({ guard, mock, mode, real, standIn }: Parts) {
  const suite = yield* Crypto
  const self = nodeIdOf(suite, mock.publicKey)

  /** It is for the network or for nobody. */
  const anonymously = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | PrivacyUnavailable> =>
    mode() === "mock" ? Effect.fail(new PrivacyUnavailable({ reason: UNUSED })) : effect

  const asked = <A, E extends PutError | GetError>(operation: Operation, effect: Effect.Effect<A, E>) =>
    mode() === "real" ? guard.insist(operation, effect) : guard.attempt(operation, effect)

  const readOpenly = Effect.fnUntraced(function* <A, E extends GetError>(
    reading: Reading<A, E>
  ): Effect.fn.Return<A, E | StorageFailed> {
    const { ask, get, key, kind, operation, remember, silent } = reading
    const here = standIn.read(kind, key, get)
    if (mode() === "mock") return yield* here
    const judged = yield* asked(operation, (ask ?? get)(real.dht))
    if (judged === undefined) return yield* here
    const said = judged.exit ?? silent
    if (judged.verdict === "failed") return yield* mode() === "real" ? said : orElse(here, said)
    if (judged.exit?._tag === "Success") yield* remember(judged.exit.value)
    // What waits is newer than what anybody else can have.
    return yield* (yield* standIn.waiting(kind, key)).length === 0 ? said : here
  })

  const read = <A, E extends GetError>(reading: Reading<A, E>) =>
    Effect.suspend(
      (): Effect.Effect<A, E | StorageFailed | PrivacyUnavailable> =>
        reading.options?.privacy === "anonymous" ? anonymously(reading.get(real.dht)) : readOpenly(reading)
    )

  /** What the real one keeps of it: this node's own entry, else all. */
  const made = ({ finished, kind }: Writing<unknown, unknown>, key: Uint8Array) =>
    finished !== undefined
      ? Effect.succeed([finished])
      : Effect.map(real.held(kind, key), (rows) => {
          const own = rows.filter(({ bytes }) => equalBytes(standIn.memberOf(kind, bytes), mock.publicKey))
          return (own.length > 0 ? own : rows).map(({ bytes }: HeldRecord) => bytes)
        })

  const writeHere = <A extends PutReceipt, E extends PutError | GetError>({
    finished,
    key,
    kind,
    options,
    put
  }: Writing<A, E>) => standIn.write(kind, key, options, put, finished)

  /** The real one has it, and nobody else: it is numbered and signed, and so it waits as it is. */
  const writeDown = Effect.fnUntraced(function* <A extends PutReceipt, E extends PutError | GetError>(
    writing: Writing<A, E>,
    receipt: A
  ) {
    const records = yield* made(writing, receipt.key)
    if (records.length === 0) return yield* writeHere(writing)
    for (const record of records) yield* standIn.writeDown(writing.kind, record, writing.options, receipt)
    return { ...receipt, status: "queued" as const }
  })

  /** A copy of what this node has no room for on its own disk. */
  const remember = <A extends PutReceipt, E>({ finished, kind }: Writing<A, E>, exit: Exit.Exit<A, unknown>) =>
    exit._tag === "Success" && finished !== undefined && !exit.value.holders.some((id) => equalBytes(id, self))
      ? standIn.mirror(kind, finished)
      : Effect.void

  const writeOpenly = Effect.fnUntraced(function* <A extends PutReceipt, E extends PutError | GetError>(
    writing: Writing<A, E>
  ): Effect.fn.Return<A, PutError | E> {
    const { key, kind, operation, put } = writing
    if (mode() === "mock") return yield* writeHere(writing)
    if (mode() === "auto" && (yield* standIn.waiting(kind, key)).length > 0) return yield* writeHere(writing)
    const judged = yield* asked(operation, put(real.dht))
    if (judged === undefined) return yield* writeHere(writing)
    const { exit, verdict } = judged
    if (mode() === "real") return yield* exit ?? new PutRefused({ key, refusals: [] })
    if (exit !== undefined && (verdict === "answered" || verdict === "neutral")) {
      yield* remember(writing, exit)
      return yield* exit
    }
    return exit?._tag === "Success" ? yield* writeDown(writing, exit.value) : yield* writeHere(writing)
  })

  const write = <A extends PutReceipt, E extends PutError | GetError>(writing: Writing<A, E>) =>
    Effect.suspend(
      (): Effect.Effect<A, PutError | E> =>
        writing.options.privacy === "anonymous" ? anonymously(writing.put(real.dht)) : writeOpenly(writing)
    )

  return { read, write }
})

/** Where nothing is known here either, what the network said, or did not, is the better answer. */
const orElse = <A, E extends GetError, E2>(here: Effect.Effect<A, E>, said: Effect.Effect<A, E2>) =>
  Effect.catchIf(
    here,
    (error: GetError): error is E => error._tag === "NotFound",
    () => said
  )
