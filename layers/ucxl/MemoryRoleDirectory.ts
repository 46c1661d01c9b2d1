/**
 * Roles without a network, for tests: whoever shares one `SharedRoles` has the same list, at once. Grants are signed by
 * the authority as they are in earnest, so that a Dht takes them.
 */
import { Clock, Effect, Layer, PubSub, Result, Stream } from "effect"
import type { Signer } from "#core/dht/signRecord"
import { checkRoles } from "#core/ucxl/checkRoles"
import { Directory } from "#core/ucxl/Directory"
import { grantRoles } from "#core/ucxl/roleGrants"
import { equalBytes } from "#schemas/bytes/bytes"
import { LIFETIME } from "#schemas/dht/Record"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import type { Role } from "#schemas/ucxl/Role"
import { Identity } from "#services/identity/Identity"
import { NotAuthority, RoleDirectory, RolesInvalid, RolesUnavailable } from "#services/ucxl/RoleDirectory"

const CHANGES_KEPT = 16

/** One network's roles, and the key that signs them. */
export class SharedRoles {
  readonly signer: Signer
  readonly lists: PubSub.PubSub<Directory>
  directory: Directory | undefined = undefined

  constructor(signer: Signer, lists: PubSub.PubSub<Directory>) {
    this.signer = signer
    this.lists = lists
  }

  /** As the authority; `now` in unix seconds. */
  grant(roles: ReadonlyArray<Role>, now: number): Directory {
    this.directory = new Directory((this.directory?.seq ?? 0) + 1, grantRoles(this.signer, roles, now))
    return this.directory
  }
}

export const shared = (signer: Signer): Effect.Effect<SharedRoles> =>
  Effect.map(PubSub.sliding<Directory>(CHANGES_KEPT), (lists) => new SharedRoles(signer, lists))

export const make = Effect.fnUntraced(function* (roles: SharedRoles) {
  const { publicKey } = yield* Identity
  const clock = yield* Clock.Clock
  const authority = roles.signer.signing.publicKey as PublicKey
  const current = Effect.suspend(() =>
    roles.directory === undefined
      ? Effect.fail(new RolesUnavailable({ reason: "nothing was published" }))
      : Effect.succeed(roles.directory)
  )
  return RoleDirectory.of({
    authority,
    current,
    refresh: current,
    isBehind: (seq) => Effect.sync(() => (roles.directory?.seq ?? 0) > seq),
    publish: Effect.fnUntraced(function* (list: ReadonlyArray<Role>) {
      if (!equalBytes(publicKey, authority)) return yield* new NotAuthority({ authority: didOf(authority) })
      const checked = checkRoles(list)
      if (Result.isFailure(checked)) return yield* new RolesInvalid(checked.failure)
      const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
      const directory = roles.grant(list, now)
      yield* PubSub.publish(roles.lists, directory)
      const lookup = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
      const place = { key: new Uint8Array(32), reached: 1, factor: 1, holders: [], expires: now + LIFETIME, lookup }
      return { ...place, status: "stored" as const, seq: directory.seq, author: authority }
    }),
    changes: Stream.fromPubSub(roles.lists)
  })
})

export const layer = (roles: SharedRoles) => Layer.effect(RoleDirectory, make(roles))
