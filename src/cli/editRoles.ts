/** What `allium role add`, `allium role remove` and `allium role publish` do: change roles.toml, and have the node publish it. */
import { Effect, Result } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { didOf, type PublicKey, publicKeyOfDid } from "#schemas/identity/PublicKey"
import { keyOfRecipient } from "#schemas/ucxl/ageKeys"
import type { Level, Role } from "#schemas/ucxl/Role"
import { asAuthority, declaredRoles, declareRoles, mayRun, rolesFileOf } from "./authority.ts"
import { ask } from "./client.ts"
import { failure, wrongUsage } from "./Failure.ts"
import { count, note, paintOut, say, sayJson } from "./output.ts"
import { ownRecipient } from "./ownRoleKeys.ts"
import { checkRoleName } from "./roleKeys.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

/** What is to be in a role, or no longer. */
export interface RoleParts {
  readonly recipients: ReadonlyArray<string>
  /** As dids. */
  readonly members: ReadonlyArray<string>
  readonly canDecrypt: ReadonlyArray<string>
}

export interface Addition extends RoleParts {
  readonly level: Level | undefined
  /** This node's own key and recipient too. */
  readonly me: boolean
}

const keysOf = (dids: ReadonlyArray<string>) =>
  Effect.forEach(dids, (did) =>
    Effect.fromResult(Result.mapError(publicKeyOfDid(did), (reason) => wrongUsage(`"${did}" is ${reason}`)))
  )

const checkRecipients = (recipients: ReadonlyArray<string>) =>
  Effect.forEach(
    recipients,
    (recipient) =>
      Effect.fromResult(
        Result.mapError(keyOfRecipient(recipient), (reason) => wrongUsage(`"${recipient}" is no recipient: ${reason}`))
      ),
    { discard: true }
  )

const union = (before: ReadonlyArray<string>, added: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([...before, ...added])
]

const without = (before: ReadonlyArray<string>, gone: ReadonlyArray<string>): ReadonlyArray<string> =>
  before.filter((it) => !gone.includes(it))

const unionOfKeys = (before: ReadonlyArray<PublicKey>, added: ReadonlyArray<PublicKey>): ReadonlyArray<PublicKey> => {
  const all = [...before, ...added]
  return all.filter((key, index) => all.findIndex((it) => equalBytes(it, key)) === index)
}

export const addRole = Effect.fnUntraced(function* (shared: Shared, name: string, addition: Addition) {
  const { data } = shared
  const { canDecrypt, level, me } = addition
  yield* checkRoleName(name)
  const members = yield* keysOf(addition.members)
  yield* checkRecipients(addition.recipients)
  const { publicKey } = yield* asAuthority(data)
  const { roles, text } = yield* declaredRoles(data)
  const before = roles.find((role) => role.name === name)
  const chosen = level ?? before?.level
  if (chosen === undefined) return yield* wrongUsage(`the role "${name}" is new: give it a --level`)
  const own = me ? [yield* ownRecipient(data, name)] : []
  const role: Role = {
    name,
    level: chosen,
    recipients: union(before?.recipients ?? [], [...addition.recipients, ...own]),
    canDecrypt: union(before?.canDecrypt ?? [], canDecrypt),
    members: unionOfKeys(before?.members ?? [], me ? [...members, publicKey] : members)
  }
  const list = before === undefined ? [...roles, role] : roles.map((it) => (it.name === name ? role : it))
  yield* declareRoles(data, text, list, [name])
  yield* tellChange(shared, name, before === undefined ? "added" : "changed", role)
  if (role.recipients.length === 0) {
    yield* note(
      `nobody reads what ${name} stores until it has a recipient: "allium role key ${name}" on a member's node prints one`
    )
  }
})

/** The whole role where no part of it is named. */
export const removeRole = Effect.fnUntraced(function* (shared: Shared, name: string, parts: RoleParts) {
  const { data } = shared
  const members = yield* keysOf(parts.members)
  yield* asAuthority(data)
  const { roles, text } = yield* declaredRoles(data)
  const before = roles.find((role) => role.name === name)
  if (before === undefined) {
    const known = roles.length === 0 ? "none" : roles.map((role) => role.name).join(", ")
    return yield* failure(`there is no role "${name}": there are ${known}`)
  }
  if (parts.recipients.length + parts.members.length + parts.canDecrypt.length === 0) {
    return yield* removeWhole(shared, name, roles, text)
  }
  const absent = [
    ...without(parts.recipients, before.recipients),
    ...without(parts.canDecrypt, before.canDecrypt),
    ...without(parts.members, before.members.map(didOf))
  ]
  if (absent.length > 0)
    return yield* failure(`the role "${name}" has no ${absent.join(", ")}: see "allium role show ${name}"`)
  const role: Role = {
    ...before,
    recipients: without(before.recipients, parts.recipients),
    canDecrypt: without(before.canDecrypt, parts.canDecrypt),
    members: before.members.filter((key) => !members.some((gone) => equalBytes(gone, key)))
  }
  yield* declareRoles(
    data,
    text,
    roles.map((it) => (it === before ? role : it)),
    [name]
  )
  yield* tellChange(shared, name, "changed", role)
  if (parts.recipients.length > 0) {
    yield* note(`what was stored before stays readable to who is gone: "allium store rotate ${name}" encrypts it anew`)
  }
})

/** And what other roles say of it. */
const removeWhole = Effect.fnUntraced(function* (
  shared: Shared,
  name: string,
  roles: ReadonlyArray<Role>,
  text: string
) {
  const readers = roles.filter((role) => role.name !== name && role.canDecrypt.includes(name))
  const list = roles
    .filter((role) => role.name !== name)
    .map((role) => (readers.includes(role) ? { ...role, canDecrypt: without(role.canDecrypt, [name]) } : role))
  yield* declareRoles(shared.data, text, list, [name, ...readers.map((role) => role.name)])
  yield* tellChange(shared, name, "removed", undefined)
})

export const publishRoles = Effect.fnUntraced(function* (shared: Shared) {
  yield* asAuthority(shared.data)
  yield* declaredRoles(shared.data)
  const published = yield* publishNow(shared.data)
  if (shared.json) return yield* sayJson(published)
  yield* note(publishedText(published))
})

const publishNow = (data: string) => ask(data, "publishing the roles", (client) => client.roles.publish())

const publishedText = (published: {
  readonly status: string
  readonly replicas: number
  readonly factor: number
}): string =>
  published.status === "queued"
    ? "written down: the network is out of reach, and is told as soon as it is back"
    : `published on ${count(published.replicas, "node")} of ${published.factor} wanted; other nodes see it when they next need it`

const tellChange = Effect.fnUntraced(function* (
  { data, json }: Shared,
  name: string,
  change: "added" | "changed" | "removed",
  role: Role | undefined
) {
  const running = mayRun(data)
  const published = running
    ? yield* Effect.mapError(publishNow(data), ({ message }) =>
        failure(`${rolesFileOf(data)} was changed, but is not published yet: ${message}`)
      )
    : null
  if (json) {
    const parts = role === undefined ? {} : { ...role, members: role.members.map(didOf) }
    return yield* sayJson({ name, change, ...parts, published })
  }
  const { canDecrypt = [], level = "", members = [], recipients = [] } = role ?? {}
  const reads = canDecrypt.length === 0 ? "" : `, reads ${canDecrypt.join(", ")}`
  const what = `${level}, ${count(members.length, "member")}, ${count(recipients.length, "recipient")}${reads}`
  yield* say(role === undefined ? `${name} ${change}` : `${name} ${change}  ${paintOut.dim(what)}`)
  yield* note(published === null ? "it is published when the node starts" : publishedText(published))
})
