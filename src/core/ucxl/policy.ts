/** Who may store in the name of a role, for whom, and whose entries are believed (DESIGN.md §10). */
import { Result } from "effect"
import { read as readGrant } from "#schemas/dht/Grant"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { grantRoleOf } from "#schemas/ucxl/Role"
import type { Directory } from "./Directory.ts"

/** What a node that may store in the name of a role needs for it. */
export interface Permit {
  /** Every role that will read it. */
  readonly readers: ReadonlyArray<string>
  readonly recipients: ReadonlyArray<string>
  readonly grants: ReadonlyArray<Uint8Array>
  /** 1 suggestion to 4 master: where several stored under one address, the higher is believed. */
  readonly level: number
}

export type Denial = "ReadOnly" | "NotMember" | "NoRecipients" | "GrantExpired"

/** Whether it is in force at `now`, unix seconds. One that cannot be read is not. */
const isInForce = (grant: Uint8Array, now: number): boolean =>
  Result.match(readGrant(grant), { onFailure: () => false, onSuccess: ({ expires }) => expires > now })

/** The directory has the role. `sharedWith`: roles that shall read it as well. */
export const permitOf = (
  directory: Directory,
  role: string,
  sharedWith: ReadonlyArray<string>,
  node: PublicKey,
  now: number
): Result.Result<Permit, Denial> => {
  const level = grantRoleOf(directory.find(role)?.level ?? "read-only")
  if (level === 0) return Result.fail("ReadOnly")
  if (!directory.isMember(role, node)) return Result.fail("NotMember")
  const readers = [...new Set([...directory.readersOf(role), ...sharedWith])]
  const recipients = directory.recipientsOf(readers)
  if (recipients.length === 0) return Result.fail("NoRecipients")
  const grants = directory.grantsFor(role, node)
  return grants?.every((grant) => isInForce(grant, now)) === true
    ? Result.succeed({ readers, recipients, grants, level })
    : Result.fail("GrantExpired")
}

/** The roles in whose name a node stores, the one of the highest level first. */
export const storingRoles = (directory: Directory, node: PublicKey): ReadonlyArray<string> =>
  directory
    .rolesOf(node)
    .flatMap((name) => {
      const level = grantRoleOf(directory.find(name)?.level ?? "read-only")
      return level === 0 ? [] : [{ name, level }]
    })
    .sort((a, b) => b.level - a.level)
    .map(({ name }) => name)

/** The highest level of the roles in whose name a node stores; 0 where there is none. */
export const levelOf = (directory: Directory, node: PublicKey): number => {
  const [highest] = storingRoles(directory, node)
  return highest === undefined ? 0 : grantRoleOf(directory.find(highest)?.level ?? "read-only")
}

/** The first entry by somebody who still is a member: a grant may outlive a membership. */
export const believed = <A extends { readonly author: PublicKey }>(
  directory: Directory,
  entries: ReadonlyArray<A>
): A | undefined => entries.find(({ author }) => storingRoles(directory, author).length > 0)
