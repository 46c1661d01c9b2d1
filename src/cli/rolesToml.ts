/**
 * The text of `roles.toml`, changed one role at a time: what stands around the role stays as its owner wrote it, comments
 * and all. Where that cannot be done, since the roles are written in another shape of TOML, the whole is written anew.
 */
import { Result } from "effect"
import { sameRoles } from "#core/ucxl/checkRoles"
import { parseRoles } from "#layers/ucxl/rolesToml"
import { didOf } from "#schemas/identity/PublicKey"
import type { Role } from "#schemas/ucxl/Role"

const HEADER = [
  "# The roles of this network: who may store, to whose keys it is encrypted, and who reads it.",
  '# "allium role add" and "allium role remove" change this file and publish it. Whoever changes it by hand publishes it',
  '# with "allium role publish", or by starting the node again.'
]

const EXAMPLE = [
  "#",
  "# [roles.developer]",
  '# level = "execution"            # read-only, suggestion, execution, coordination or master',
  '# recipients = ["age1..."]       # keys that read it: "allium role key developer" on a member\'s node prints one',
  '# canDecrypt = ["reader"]        # whose content it reads besides its own; ["*"] is everybody\'s',
  '# members = ["did:key:z6Mk..."]  # nodes that store in its name: "allium init" prints a node\'s did'
]

/** Of a network without roles. */
export const rolesTemplate = (): string => [...HEADER, ...EXAMPLE, ""].join("\n")

/** The text with exactly these roles, of which those named were changed, added or removed. */
export const editRoles = (text: string, roles: ReadonlyArray<Role>, changed: ReadonlyArray<string>): string => {
  const edited = changed.reduce(
    (lines, name) =>
      replaced(
        lines,
        name,
        roles.find((role) => role.name === name)
      ),
    [...text.trimEnd().split("\n")]
  )
  const result = `${edited.join("\n").trimEnd()}\n`
  const read = parseRoles(result)
  const [sorted, wanted] = [Result.isSuccess(read) ? byName(read.success) : undefined, byName(roles)]
  return sorted !== undefined && sameRoles(sorted, wanted) ? result : rewritten(roles)
}

const byName = (roles: ReadonlyArray<Role>): ReadonlyArray<Role> =>
  roles.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

const rewritten = (roles: ReadonlyArray<Role>): string =>
  [...HEADER, ...roles.flatMap((role) => ["", ...sectionOf(role)]), ""].join("\n")

const isHeader = (line: string): boolean => /^\s*\[[^\]]*\]\s*(#.*)?$/.test(line)

/** Blank lines and comments above a header belong to what follows. */
const isIntroduction = (line: string | undefined): boolean => line !== undefined && /^\s*(#.*)?$/.test(line)

const headerOf = (name: string): string => `[roles.${name.includes(".") ? `"${name}"` : name}]`

const isHeaderOf = (line: string, name: string): boolean =>
  line
    .replace(/#.*$/, "")
    .replace(/\s/g, "")
    .replace(/^\[roles\.(["'])(.*)\1\]$/, "[roles.$2]") === `[roles.${name}]`

const replaced = (lines: Array<string>, name: string, role: Role | undefined): Array<string> => {
  const start = lines.findIndex((line) => isHeaderOf(line, name))
  if (start < 0) return role === undefined ? lines : [...lines, "", ...sectionOf(role)]
  const next = lines.findIndex((line, index) => index > start && isHeader(line))
  let end = next < 0 ? lines.length : next
  while (end > start + 1 && isIntroduction(lines[end - 1])) end--
  const section = role === undefined ? [] : sectionOf(role)
  return [...lines.slice(0, start), ...section, ...lines.slice(end)]
}

/** One a line, as they are long. */
const listOf = (field: string, values: ReadonlyArray<string>): ReadonlyArray<string> =>
  values.length === 0 ? [] : [`${field} = [`, ...values.map((value) => `  "${value}",`), "]"]

const sectionOf = ({ canDecrypt, level, members, name, recipients }: Role): ReadonlyArray<string> => [
  headerOf(name),
  `level = "${level}"`,
  ...listOf("recipients", recipients),
  ...(canDecrypt.length === 0 ? [] : [`canDecrypt = [${canDecrypt.map((it) => `"${it}"`).join(", ")}]`]),
  ...listOf("members", members.map(didOf))
]
