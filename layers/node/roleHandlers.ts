/** What stands behind the endpoints of roles: asks the directory, the node's own keys and who announced a role. */
import { Effect, Redacted, Result } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Directory, GrantedRole } from "#core/ucxl/Directory"
import { declaredIn, ROLES_FILE } from "#layers/ucxl/DeclaredRoles"
import { equalBytes, hexOf } from "#schemas/bytes/bytes"
import { read } from "#schemas/dht/Grant"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import { Membership, type RolePeer } from "#services/dht/Membership"
import { Identity } from "#services/identity/Identity"
import { ControlApi } from "#services/node/ControlApi"
import type { RoleKeyStatus, RoleStatus } from "#services/node/RolesApi"
import { AuditLog, type AuditOutcome } from "#services/ucxl/AuditLog"
import { UnknownRole } from "#services/ucxl/EncryptedStore"
import { NoAuthority, NotAuthority, RoleDirectory, RolesInvalid } from "#services/ucxl/RoleDirectory"
import { type RoleKey, RoleKeys } from "#services/ucxl/RoleKeys"

const statusOf = (list: Directory, node: PublicKey) => {
  const expiryOf = (name: string): number | null => {
    const [grant] = list.grantsFor(name, node) ?? []
    return grant === undefined
      ? null
      : Result.match(read(grant), { onFailure: () => null, onSuccess: (it) => it.expires })
  }
  return ({ canDecrypt, level, members, name, recipients }: GrantedRole): RoleStatus => ({
    name,
    level,
    recipients,
    canDecrypt,
    members: members.map(didOf),
    readers: list.readersOf(name),
    own: list.isMember(name, node),
    grantExpires: expiryOf(name)
  })
}

const keyStatusOf = ({ recipient, role }: RoleKey): RoleKeyStatus => ({ role, recipient })

const announcedOf = ({ expires, issued, nodeId, publicKey }: RolePeer) => ({
  did: didOf(publicKey),
  nodeId: hexOf(nodeId),
  issued,
  expires
})

/** `folder` is where the authority declares its roles. */
export const handlers = (folder: string) =>
  HttpApiBuilder.group(
    ControlApi,
    "roles",
    Effect.fnUntraced(function* (handlers) {
      const [directory, keys, membership] = [yield* RoleDirectory, yield* RoleKeys, yield* Membership]
      const audit = yield* AuditLog
      const { publicKey } = yield* Identity
      const { authority } = directory

      /** A person who asks wants to see what was changed a minute ago; without a network, what was seen last. */
      const seen = Effect.catchTag(directory.refresh, "RolesUnavailable", () => directory.current)

      const list = Effect.map(seen, (found) => ({
        authority: authority === undefined ? "" : didOf(authority),
        isAuthority: authority !== undefined && equalBytes(authority, publicKey),
        seq: found.seq,
        roles: found.roles.map(statusOf(found, publicKey))
      }))

      /** What was done with the roles, or refused, is told in the log of audit; that it is full undoes nothing. */
      const told = (outcome: AuditOutcome, reason: string) =>
        Effect.catch(
          audit.append({ operation: "roles", address: "", role: "", contentType: "", size: 0, outcome, reason }),
          (error) => Effect.logError("the publishing of roles could not be written to the audit log", error)
        )

      const publish = Effect.gen(function* () {
        if (authority === undefined) return yield* new NoAuthority()
        if (!equalBytes(authority, publicKey)) return yield* new NotAuthority({ authority: didOf(authority) })
        const declared = yield* declaredIn(folder)
        if (declared === undefined) return yield* new RolesInvalid({ role: "", reason: `there is no ${ROLES_FILE}` })
        const { expires, factor, reached, seq, status } = yield* directory.publish(declared)
        yield* told("done", "")
        return { seq, roles: declared.length, status, replicas: reached, factor, expires }
      }).pipe(
        Effect.tapError((error) =>
          told(error._tag === "NoAuthority" || error._tag === "NotAuthority" ? "denied" : "failed", error._tag)
        )
      )

      const holders = Effect.fnUntraced(function* (name: string) {
        const found = yield* seen
        const role = found.find(name)
        if (role === undefined || authority === undefined) {
          return yield* new UnknownRole({ role: name, known: found.roles.map((it) => it.name) })
        }
        const announced = yield* membership.findPeersByRole(name, { authority })
        return { role: statusOf(found, publicKey)(role), announced: announced.map(announcedOf) }
      })

      return handlers.handleAll({
        list: () => list,
        publish: () => publish,
        holders: ({ params }) => holders(params.role),
        keys: () => Effect.map(keys.list, (found) => found.map(keyStatusOf)),
        addKey: ({ payload: { identity, role } }) =>
          Effect.map(keys.add(role, identity === undefined ? undefined : Redacted.make(identity)), keyStatusOf),
        unlockKeys: ({ payload }) => keys.unlock(Redacted.make(payload.passphrase)),
        sealKeys: ({ payload: { passphrase } }) =>
          keys.seal(passphrase === null ? undefined : Redacted.make(passphrase))
      })
    })
  )
