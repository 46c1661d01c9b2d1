/**
 * The roles of the network as its authority signed them: one mutable record under its key and the salt "roles".
 *
 * A list is taken in when its record is signed (which the Dht sees to), newer than every list that was seen before, over
 * restarts too, and each of its grants is the authority's own. Until a better one comes, the last good one holds.
 */
import { Clock, Duration, Effect, Layer, PubSub, Result, Semaphore, Stream } from "effect"
import { checkRoles } from "#core/ucxl/checkRoles"
import { Directory } from "#core/ucxl/Directory"
import { faultOfGrants, grantRoles, isRenewalDue } from "#core/ucxl/roleGrants"
import { equalBytes } from "#schemas/bytes/bytes"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import type { Role } from "#schemas/ucxl/Role"
import * as RoleList from "#schemas/ucxl/RoleList"
import * as SeenRoles from "#schemas/ucxl/SeenRoles"
import { Dht, type GetError } from "#services/dht/Dht"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { NoAuthority, NotAuthority, RoleDirectory, RolesInvalid, RolesUnavailable } from "#services/ucxl/RoleDirectory"
import { SavedRoles } from "#services/ucxl/SavedRoles"
import { GrantsAgain, RolesAgain, RolesFreshFor, RolesSoon } from "#services/ucxl/Schedules"

export interface DirectoryOptions {
  /** Whose list holds; undefined: nobody's, and nothing is ever looked for. */
  readonly authority: PublicKey | undefined
}

interface Known {
  readonly directory: Directory
  readonly value: Uint8Array
}

/** Lists that a reader of `changes` may be behind before it misses the oldest. */
const CHANGES_KEPT = 16

const noAuthority = Effect.fail(new NoAuthority())

const nobody = RoleDirectory.of({
  authority: undefined,
  current: noAuthority,
  refresh: noAuthority,
  isBehind: () => Effect.succeed(false),
  publish: () => noAuthority,
  changes: Stream.empty
})

const reasonOf = (error: GetError): string => {
  if (error._tag === "NotFound") return `nobody has the authority's list of roles (${error.asked} nodes asked)`
  return error._tag === "StorageFailed" ? `the node's database failed (${error.operation})` : error.reason
}

export const make = Effect.fnUntraced(function* ({ authority }: DirectoryOptions) {
  if (authority === undefined) return nobody
  const [dht, saved, suite] = [yield* Dht, yield* SavedRoles, yield* Crypto]
  const { networkId, publicKey, signing } = yield* Identity
  const [soon, again, renewals] = [yield* RolesSoon, yield* RolesAgain, yield* GrantsAgain]
  const clock = yield* Clock.Clock
  const lists = yield* PubSub.sliding<Directory>(CHANGES_KEPT)
  /** One looks at a time: who asks meanwhile is answered with what it finds. */
  const turn = yield* Semaphore.make(1)
  const isAuthority = equalBytes(authority, publicKey)
  const now = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  const freshFor = Duration.toMillis(yield* RolesFreshFor)
  let known: Known | undefined
  let lookedAt = Number.NEGATIVE_INFINITY

  const judge = (seq: number, value: Uint8Array): Result.Result<Known, string> => {
    const roles = RoleList.read(value)
    if (Result.isFailure(roles)) return Result.fail(roles.failure)
    const checked = checkRoles(roles.success)
    if (Result.isFailure(checked)) return Result.fail(`the role "${checked.failure.role}" ${checked.failure.reason}`)
    const fault = faultOfGrants(suite, networkId, authority, roles.success)
    if (fault !== undefined) return Result.fail(fault)
    return Result.succeed({ directory: new Directory(seq, roles.success), value: value.slice() })
  }

  const remember = (seq: number, value: Uint8Array) =>
    Effect.catch(saved.save(SeenRoles.write({ authority, seq, value })), (error) =>
      Effect.logWarning("the list of roles could not be saved: after a restart it has to be found again", error)
    )

  /** Of two lists the newer; a good one is kept over restarts. */
  const take = Effect.fnUntraced(function* (seq: number, value: Uint8Array) {
    const before = known
    if (before !== undefined && seq <= before.directory.seq) {
      if (seq < before.directory.seq || !equalBytes(value, before.value)) {
        const seqs = { shown: seq, known: before.directory.seq }
        yield* Effect.logWarning("an older list of roles was shown, and ignored").pipe(Effect.annotateLogs(seqs))
      }
      return before.directory
    }
    // The authority's node signs its record anew twice a month, whether the roles have changed or not.
    const isSame = before !== undefined && equalBytes(value, before.value)
    const judged = isSame
      ? Result.succeed({ value, directory: new Directory(seq, before.directory.roles) })
      : judge(seq, value)
    if (Result.isFailure(judged)) {
      yield* Effect.logWarning("a list of roles by the authority is not usable, and was ignored").pipe(
        Effect.annotateLogs({ seq, reason: judged.failure })
      )
      return yield* new RolesUnavailable({ reason: `the authority's list of roles is not usable: ${judged.failure}` })
    }
    known = judged.success
    yield* remember(seq, value)
    if (!isSame) yield* PubSub.publish(lists, known.directory)
    return known.directory
  }, Effect.uninterruptible)

  const look = Effect.gen(function* () {
    lookedAt = clock.currentTimeMillisUnsafe()
    const found = yield* Effect.mapError(
      dht.getMutable(authority, RoleList.ROLES_SALT),
      (error) => new RolesUnavailable({ reason: reasonOf(error) })
    )
    return yield* take(found.seq, found.value)
  })

  const refresh = Effect.withSpan(look, "SignedRoleDirectory.refresh").pipe(Semaphore.withPermit(turn))

  const first = Effect.suspend(() => (known === undefined ? look : Effect.succeed(known.directory)))
  const current = Effect.suspend(() =>
    known === undefined ? Semaphore.withPermit(turn)(first) : Effect.succeed(known.directory)
  )

  const isNewer = (seq: number): boolean => known !== undefined && known.directory.seq > seq

  /** Whoever waited for his turn may find that it was done meanwhile. */
  const lookOnce = Effect.suspend(() =>
    clock.currentTimeMillisUnsafe() - lookedAt < freshFor ? Effect.void : Effect.ignore(look)
  )
  const isBehind = (seq: number) =>
    Effect.suspend(() =>
      isNewer(seq) ? Effect.succeed(true) : Effect.map(Semaphore.withPermit(turn)(lookOnce), () => isNewer(seq))
    )

  const publish = Effect.fn("SignedRoleDirectory.publish")(function* (roles: ReadonlyArray<Role>) {
    if (!isAuthority) return yield* new NotAuthority({ authority: didOf(authority) })
    const checked = checkRoles(roles)
    if (Result.isFailure(checked)) return yield* new RolesInvalid(checked.failure)
    const value = RoleList.write(grantRoles({ networkId, signing }, roles, now()))
    const receipt = yield* dht.putMutable(RoleList.ROLES_SALT, value)
    yield* Effect.orDie(take(receipt.seq, value))
    return receipt
  }, Semaphore.withPermit(turn))

  /** Of a restart, or of an earlier list in the place of a damaged file. */
  const recall = Effect.gen(function* () {
    const bytes = yield* saved.load
    if (bytes === undefined) return
    const seen = SeenRoles.read(bytes)
    if (Result.isSuccess(seen) && !equalBytes(seen.success.authority, authority)) return
    const judged = Result.flatMap(seen, ({ seq, value }) => judge(seq, value))
    if (Result.isSuccess(judged)) known = judged.success
    else yield* Effect.logWarning("the saved list of roles cannot be used", judged.failure)
  }).pipe(Effect.catch((error) => Effect.logWarning("the saved list of roles cannot be read", error)))

  const renew = Effect.suspend(() => {
    if (known === undefined || !isRenewalDue(known.directory.roles, now())) return Effect.void
    return Effect.catch(publish(known.directory.roles), (error) =>
      Effect.logWarning("the grants of the roles could not be renewed", error)
    )
  })

  const lookAgain = Effect.catch(refresh, ({ reason }) =>
    Effect.logDebug("the roles were not seen").pipe(Effect.annotateLogs({ reason }))
  )

  yield* recall
  yield* refresh.pipe(
    Effect.retry(soon),
    Effect.catch(({ reason }) =>
      Effect.logWarning("the roles were not found since the start").pipe(Effect.annotateLogs({ reason }))
    ),
    Effect.andThen(Effect.schedule(lookAgain, again)),
    Effect.forkScoped
  )
  if (isAuthority) yield* Effect.forkScoped(Effect.repeat(renew, renewals))

  return RoleDirectory.of({ authority, current, refresh, isBehind, publish, changes: Stream.fromPubSub(lists) })
})

export const layer = (options: DirectoryOptions) => Layer.effect(RoleDirectory, make(options))
