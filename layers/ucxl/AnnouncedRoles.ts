/**
 * Says in the authority's namespace which of its roles this node has, so that others find it by them: each with the grant
 * that the list has for it, anew when the list has another one. Readers have no grant, and are not found.
 */
import { Effect, Layer, Semaphore, Stream } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Membership } from "#services/dht/Membership"
import { Identity } from "#services/identity/Identity"
import { RoleDirectory } from "#services/ucxl/RoleDirectory"
import { GrantsAgain, RolesSoon } from "#services/ucxl/Schedules"

export const make = Effect.gen(function* () {
  const [directory, membership, bootstrap] = [yield* RoleDirectory, yield* Membership, yield* Bootstrap]
  const [soon, again] = [yield* RolesSoon, yield* GrantsAgain]
  const { publicKey } = yield* Identity
  const { authority } = directory
  if (authority === undefined) return
  const turn = yield* Semaphore.make(1)
  /** By role, the grant that was shown; empty of what was taken back. */
  const said = new Map<string, string>()

  const tell = Effect.fnUntraced(function* (role: string, grants: ReadonlyArray<Uint8Array> | undefined) {
    const grant = grants === undefined ? "" : grants.map(keyOf).join()
    if (said.get(role) === grant) return
    // An earlier run may have said so, and it would be said again for as long as this node runs.
    if (grants === undefined) yield* membership.withdrawRole(role, { authority })
    else yield* membership.announceRole(role, { authority, grants })
    said.set(role, grant)
  })

  const pass = Effect.gen(function* () {
    const list = yield* directory.current
    const names = new Set([...list.roles.map(({ name }) => name), ...said.keys()])
    for (const name of names) yield* tell(name, list.grantsFor(name, publicKey))
    for (const name of [...said.keys()]) if (list.find(name) === undefined) said.delete(name)
  }).pipe(Semaphore.withPermit(turn))

  const told = Effect.catch(Effect.retry(pass, soon), (error) =>
    error._tag === "NoAuthority" || error._tag === "RolesUnavailable"
      ? Effect.logDebug("no roles were found that this node could announce")
      : Effect.logWarning("this node's roles could not be announced", error)
  )
  yield* Effect.ignore(bootstrap.joined).pipe(Effect.andThen(Effect.repeat(told, again)), Effect.forkScoped)
  yield* Effect.forkScoped(Stream.runForEach(directory.changes, () => told))
})

export const layer = Layer.effectDiscard(make)
