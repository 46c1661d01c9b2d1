/** The logs of this node in its OpStore, each open once. */
import { Effect, Layer } from "effect"
import { hexOf, keyOf } from "#schemas/bytes/bytes"
import { DOCUMENT_AUTHORS, EARLY, OPEN_DOCUMENTS } from "#services/crdt/Limits"
import { type Log, LogInUse, OpLog, TooManyDocuments } from "#services/crdt/OpLog"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { OpStore } from "#services/storage/OpStore"
import type { LogState } from "./LogState.ts"
import { openLog } from "./openLog.ts"

interface Open {
  readonly log: Log
  readonly state: LogState
}

export const make = Effect.gen(function* () {
  const [suite, identity, store, bounds] = [yield* Crypto, yield* Identity, yield* OpStore, yield* Bounds]
  const logs = new Map<string, Open | undefined>()

  const fullest = (size: (state: LogState) => number) => () => {
    let most = 0
    for (const open of logs.values()) if (open !== undefined) most = Math.max(most, size(open.state))
    return most
  }
  yield* bounds.watch("open logs", OPEN_DOCUMENTS, () => logs.size)
  yield* bounds.watch(
    "authors of a document",
    DOCUMENT_AUTHORS,
    fullest(({ intake }) => intake.graph.authors.size)
  )
  yield* bounds.watch(
    "operations that came early",
    EARLY.count,
    fullest(({ intake }) => intake.early.size)
  )
  yield* bounds.watch(
    "bytes of operations that came early",
    EARLY.bytes,
    fullest(({ intake }) => intake.early.bytes)
  )

  return OpLog.of({
    open: Effect.fn("StoredOpLog.open")(function* ({ channel, genesis, grants, replica, signing }) {
      const key = keyOf(channel)
      yield* Effect.acquireRelease(
        Effect.suspend((): Effect.Effect<void, LogInUse | TooManyDocuments> => {
          if (logs.has(key)) return Effect.fail(new LogInUse({ channel: hexOf(channel) }))
          if (logs.size >= OPEN_DOCUMENTS) return Effect.fail(new TooManyDocuments({ limit: OPEN_DOCUMENTS }))
          logs.set(key, undefined)
          return Effect.void
        }),
        () => Effect.sync(() => logs.delete(key))
      )
      const setup = {
        suite,
        networkId: identity.networkId,
        signing: signing ?? identity.signing,
        grants: grants ?? [],
        channel: channel.slice(),
        replica
      }
      const open = yield* openLog(setup, genesis, store)
      logs.set(key, open)
      return open.log
    }),
    find: (key) => logs.get(key)?.log,
    list: () => [...logs.values()].flatMap((open) => open?.log ?? [])
  })
})

export const layer = Layer.effect(OpLog, make)
