/**
 * Follows the list of roles. What was decrypted under an older list is forgotten. And an entry counts for no longer than
 * the grants that it came by: when this node has been given new ones, it signs its entries anew with them.
 *
 * The seq of an entry is the time at which it was last signed with what this node then had, so those that are older than
 * the grant are the ones that lack it: nothing has to be remembered, and what was cut short goes on with the rest.
 */
import { Effect, Result, Stream } from "effect"
import type { Directory } from "#core/ucxl/Directory"
import { storingRoles } from "#core/ucxl/policy"
import { read as readGrant } from "#schemas/dht/Grant"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { write as writeEntry } from "#schemas/ucxl/Entry"
import type { IndexItem } from "#services/ucxl/ContentIndex"
import { PAGE } from "#services/ucxl/Limits"
import { linksOf } from "./indexItem.ts"
import type { StoreState } from "./StoreState.ts"

/** No recipients have it as their digest, so that every own item is another. */
const NOBODY = "-"

export const followRoles = Effect.fnUntraced(function* (state: StoreState) {
  const { dht, directory, index, self } = state
  let latest: Directory | undefined

  const isOlder = (row: IndexItem | undefined, issued: number): row is IndexItem =>
    row?.own === true && !row.deleted && row.seq < issued * 1000

  const signAnew = (address: UcxlAddress, grants: ReadonlyArray<Uint8Array>, issued: number) =>
    state
      .alone(
        address,
        Effect.gen(function* () {
          const row = yield* index.find(address)
          const links = row && linksOf(row)
          if (!isOlder(row, issued) || links === undefined) return
          const authority = yield* state.authority
          const { seq } = yield* dht.putName(address, writeEntry({ ...links, size: row.size }), { authority, grants })
          yield* index.put({ ...row, seq })
        })
      )
      .pipe(
        Effect.catch((error) =>
          Effect.logWarning("an entry could not be signed with a new grant").pipe(
            Effect.annotateLogs({ address, error: error._tag })
          )
        )
      )

  const renewRole = Effect.fnUntraced(function* (list: Directory, role: string) {
    const grants = list.grantsFor(role, self.publicKey) ?? []
    const read = grants.map((grant) => readGrant(grant))
    const issued = Math.max(0, ...read.map(Result.match({ onFailure: () => 0, onSuccess: (it) => it.issued })))
    if (grants.length === 0) return
    let after: string | undefined = ""
    while (after !== undefined) {
      const page: ReadonlyArray<IndexItem> = yield* index.stale(role, NOBODY, after, PAGE)
      for (const row of page) if (isOlder(row, issued)) yield* signAnew(row.address, grants, issued)
      after = page.length < PAGE ? undefined : page[page.length - 1]?.address
    }
  })

  const follow = Effect.fnUntraced(
    function* (list: Directory) {
      if (latest !== undefined && list.seq < latest.seq) return
      if (latest !== undefined) {
        state.cache.clear()
        state.measureCache()
      }
      latest = list
      yield* Effect.forEach(storingRoles(list, self.publicKey), (role) => renewRole(list, role), { discard: true })
    },
    Effect.catch((error) => Effect.logWarning("entries could not be looked through", { operation: error.operation }))
  )

  if (directory.authority !== undefined) {
    const first = Effect.catch(Effect.flatMap(directory.current, follow), () => Effect.void)
    yield* Effect.forkScoped(first)
    yield* Effect.forkScoped(Stream.runForEach(directory.changes, follow))
  }
  return () => latest
})
