/**
 * The roles of a network at one moment, and what follows from them: to whom content is encrypted, who reads whose, in
 * whose name a node may store (DESIGN.md §10). Immutable; a new list makes a new one.
 */
import { equalBytes } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { EVERY_ROLE, grantRoleOf } from "#schemas/ucxl/Role"
import type { ListedRole } from "#schemas/ucxl/RoleList"

/** A role, and the grants that the authority signed for its members. */
export type GrantedRole = ListedRole

export class Directory {
  /** Of the record: higher is newer. */
  readonly seq: number
  readonly roles: ReadonlyArray<GrantedRole>
  readonly #byName: ReadonlyMap<string, GrantedRole>

  constructor(seq: number, roles: ReadonlyArray<GrantedRole>) {
    this.seq = seq
    this.roles = roles
    this.#byName = new Map(roles.map((role) => [role.name, role]))
  }

  find(name: string): GrantedRole | undefined {
    return this.#byName.get(name)
  }

  /** Whether members of `reader` read what was stored in the name of `creator`. */
  mayDecrypt(reader: string, creator: string): boolean {
    if (reader === creator) return this.#byName.has(reader)
    const relations = this.#byName.get(reader)?.canDecrypt ?? []
    return relations.includes(EVERY_ROLE) || relations.includes(creator)
  }

  /** Names of all roles that read what `creator` stores, its own first, the others in the order of the list. */
  readersOf(creator: string): ReadonlyArray<string> {
    const others = this.roles.flatMap(({ name }) => (name !== creator && this.mayDecrypt(name, creator) ? [name] : []))
    return this.#byName.has(creator) ? [creator, ...others] : others
  }

  /** Recipients of all these roles, each once, in order. */
  recipientsOf(roles: ReadonlyArray<string>): ReadonlyArray<string> {
    return [...new Set(roles.flatMap((name) => this.#byName.get(name)?.recipients ?? []))]
  }

  isMember(name: string, node: PublicKey): boolean {
    return this.#byName.get(name)?.members.some((member) => equalBytes(member, node)) ?? false
  }

  /** Names of the roles in whose name the node stores or reads, in the order of the list. */
  rolesOf(node: PublicKey): ReadonlyArray<string> {
    return this.roles.flatMap(({ name }) => (this.isMember(name, node) ? [name] : []))
  }

  /** The chain of grants by which the node stores in the name of a role; undefined where it may not. */
  grantsFor(name: string, node: PublicKey): ReadonlyArray<Uint8Array> | undefined {
    const role = this.#byName.get(name)
    if (role === undefined || grantRoleOf(role.level) === 0) return undefined
    const index = role.members.findIndex((member) => equalBytes(member, node))
    const grant = role.grants[index]
    return grant === undefined ? undefined : [grant]
  }
}
