/** Iterative lookups over Rpc: what is asked, of how many, and for what. */
import { Effect, Layer } from "effect"
import { K } from "#core/dht/BucketTable"
import { ALPHA } from "#core/dht/Lookup"
import { isRecordKind } from "#schemas/dht/Record"
import { type NodesFound, QueryExecutor } from "#services/dht/QueryExecutor"
import { makeDrive, type Plan } from "./driving.ts"

const NOTHING = new Uint8Array(0)

/** Of a kind that this version does not know. */
const nobody: NodesFound = {
  closest: [],
  report: { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
}

export const make = Effect.gen(function* () {
  const drive = yield* makeDrive

  const execute = (plan: Plan): Effect.Effect<NodesFound> =>
    Effect.callback((resume) => Effect.sync(drive(plan, (found) => resume(Effect.succeed(found)))))

  return QueryExecutor.of({
    lookupNode: (target, options = {}) =>
      execute({ target, request: { _tag: "FindNode", target }, options, settle: K }),
    locate: (target) => execute({ target, request: { _tag: "FindNode", target }, options: {}, settle: ALPHA }),
    approach: (target) => execute({ target, request: { _tag: "FindNode", target }, options: {}, settle: 1, width: 1 }),
    lookupValue: ({ accept, hints = [], key, kind, minSeq = 0, ...options }) =>
      isRecordKind(kind)
        ? execute({
            target: key,
            request: { _tag: "FindValue", kind, key, minSeq, after: NOTHING },
            options,
            settle: K,
            accept,
            hints
          })
        : Effect.succeed(nobody),
    lookupProviders: (key, accept, options = {}) =>
      execute({ target: key, request: { _tag: "GetProviders", key, after: NOTHING }, options, settle: K, accept })
  })
})

export const layer = Layer.effect(QueryExecutor, make)
