/** What `allium role list` and `allium role show` do. */
import { Clock, Effect } from "effect"
import type { RoleHolders, RoleListStatus, RoleStatus } from "#services/node/RolesApi"
import { ask } from "./client.ts"
import { ago, count, lifetime, note, paintOut, say, sayJson, table } from "./output.ts"
import { checkRoleName } from "./roleKeys.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

export const listRoles = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const found = yield* ask(data, "looking for the roles", (client) => client.roles.list())
  const { authority, isAuthority, roles, seq } = found
  if (json) return yield* Effect.forEach(roles, (role) => sayJson({ ...role, authority, seq }), { discard: true })
  for (const line of linesOf(found)) yield* say(line)
  const by = isAuthority ? "kept by this node" : `kept by ${authority}`
  yield* note(
    roles.length === 0 ? `there are no roles yet, ${by}` : `${count(roles.length, "role")}, ${by}; * those of this node`
  )
})

const linesOf = ({ roles }: RoleListStatus): ReadonlyArray<string> => {
  const width = Math.max(0, ...roles.map(({ name }) => name.length))
  return roles.map((role) => {
    const { level, members, name, own, recipients } = role
    const rest = `${count(members.length, "member")}, ${count(recipients.length, "recipient")}, read by ${role.readers.join(", ")}`
    return `${own ? "*" : " "} ${paintOut.bold(name.padEnd(width))}  ${level.padEnd(12)}  ${paintOut.dim(rest)}`
  })
}

export const showRole = Effect.fnUntraced(function* ({ data, json }: Shared, name: string) {
  yield* checkRoleName(name)
  const found = yield* ask(data, `looking for ${name}`, (client) => client.roles.holders({ params: { role: name } }))
  if (json) return yield* sayJson({ ...found.role, announced: found.announced })
  yield* say(roleText(found, (yield* Clock.currentTimeMillis) / 1_000))
})

const roleText = ({ announced, role }: RoleHolders, now: number): string =>
  table([
    ["role", `${paintOut.bold(role.name)}, ${role.level}`],
    ["this node", ownText(role, now)],
    ["read by", role.readers.join(", ")],
    ["reads", [role.name, ...role.canDecrypt.map((it) => (it === "*" ? "everybody's" : it))].join(", ")],
    ["recipients", role.recipients.join("\n") || `none: nobody reads what it stores`],
    ["members", role.members.join("\n") || "none"],
    [
      "announced",
      announced.map(({ did, issued }) => `${did}  ${paintOut.dim(ago(issued, now))}`).join("\n") || "by nobody"
    ]
  ])

const ownText = ({ grantExpires, level, own }: RoleStatus, now: number): string => {
  if (!own) return "is no member"
  if (grantExpires === null)
    return level === "read-only" ? "is a member, and stores nothing" : "is a member without a grant"
  return `is a member, and may store: its grant ${lifetime(grantExpires, now)}`
}
