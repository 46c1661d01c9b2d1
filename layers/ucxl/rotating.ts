/**
 * New recipients for what this node stored in the name of a role. The index says of each item to whom it was encrypted, so
 * what is done is known without a list of its own, and a rotation that was cut short goes on with the rest.
 */
import { Cause, Effect, Exit, Option, Stream } from "effect"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import type { IndexItem } from "#services/ucxl/ContentIndex"
import { RotationIncomplete, type RotationProgress, UnknownRole } from "#services/ucxl/EncryptedStore"
import { PAGE } from "#services/ucxl/Limits"
import { type Auditing, reasonOf } from "./auditing.ts"
import type { Changing } from "./changing.ts"
import { linksOf } from "./indexItem.ts"
import type { Reading } from "./reading.ts"
import type { StoreState } from "./StoreState.ts"
import { recipientsDigest } from "./storing.ts"

export const makeRotating = (state: StoreState, reading: Reading, changing: Changing, audited: Auditing) => {
  const { counts, directory, index, suite } = state

  const digest = (recipients: ReadonlyArray<string>) => recipientsDigest(suite.sha256, recipients)

  /** One item, as it is by now. Those that were shared have recipients of their own, so they are looked at one by one. */
  const rotateOne = (address: UcxlAddress) =>
    state.alone(
      address,
      Effect.gen(function* () {
        const row = yield* index.find(address)
        if (row === undefined || !row.own || row.deleted) return
        const before = linksOf(row)
        if (before === undefined) return
        const list = yield* directory.current
        const metadata = yield* reading.openMetadata(address, before.metadataCid)
        const readers = list.readersOf(metadata.creatorRole)
        const isShared = (name: string) => list.find(name) !== undefined && !readers.includes(name)
        const sharedWith = metadata.sharedWith.filter(isShared)
        if (row.recipients === digest(list.recipientsOf([...readers, ...sharedWith]))) return
        yield* changing.encryptAnew(address, before, metadata, sharedWith, list)
        counts.add("stored")
      })
    )

  const rotateRole = Effect.fnUntraced(function* (role: string) {
    const list = yield* directory.current
    if (list.find(role) === undefined) {
      return yield* new UnknownRole({ role, known: list.roles.map(({ name }) => name) })
    }
    const recipients = digest(list.recipientsOf(list.readersOf(role)))
    const pages = Stream.unfold<string | undefined, ReadonlyArray<IndexItem>, StaleError, never>("", (after) =>
      after === undefined
        ? Effect.succeed(undefined)
        : Effect.map(index.stale(role, recipients, after, PAGE), (page) =>
            page.length === 0
              ? undefined
              : ([page, page.length < PAGE ? undefined : page[page.length - 1]?.address] as const)
          )
    )
    const total = yield* Stream.runFold(
      pages,
      () => 0,
      (sum, page) => sum + page.length
    )
    const seen = { done: 0, failed: 0 }
    let first: { readonly address: UcxlAddress; readonly reason: string } | undefined

    const progress = Effect.fnUntraced(function* ({ address }: IndexItem) {
      const exit = yield* Effect.exit(audited({ operation: "rotate", address, role }, rotateOne(address)))
      const reason = Exit.isFailure(exit) ? yield* failureOf(exit.cause) : ""
      seen.done++
      if (reason !== "") {
        seen.failed++
        first ??= { address, reason }
      }
      return { ...seen, total: Math.max(total, seen.done), address, reason } satisfies RotationProgress
    })

    return pages.pipe(
      Stream.flatMap(Stream.fromIterable),
      Stream.mapEffect(progress),
      Stream.concat(
        Stream.suspend(() =>
          first === undefined
            ? Stream.empty
            : Stream.fail(
                new RotationIncomplete({ role, done: seen.done - seen.failed, failed: seen.failed, ...first })
              )
        )
      )
    )
  })

  return {
    /** A line for the call, and one for each item. */
    rotate: (role: string) => Stream.unwrap(audited({ operation: "rotate", address: "", role }, rotateRole(role)))
  }
}

type StaleError = Effect.Error<ReturnType<StoreState["index"]["stale"]>>

/** The words of a failure; what is none goes on as it came. */
const failureOf = <E>(cause: Cause.Cause<E>): Effect.Effect<string> =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => Effect.failCause(cause as Cause.Cause<never>),
    onSome: (error) => Effect.succeed(reasonOf(error))
  })
