/**
 * What a node is told, from flags, then `ALLIUM_*`, then `allium.toml` in the data folder: the first that says
 * something of a setting decides.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Config, ConfigProvider, Effect, Option, Result } from "effect"
import { parse, TomlError } from "smol-toml"
import { defaultSettings } from "#schemas/node/defaultSettings"
import { Settings } from "#schemas/node/Settings"
import { parseAddress } from "#schemas/transport/Address"
import { authorityOf } from "#schemas/ucxl/authority"
import { AuthorityInvalid } from "#services/ucxl/RoleDirectory"
import { failure } from "./Failure.ts"

export const SETTINGS_FILE = "allium.toml"

/** Where a node listens that is told nothing: on a local network any free port will do, others must find it again. */
const LISTEN_LOCAL = "/ip4/127.0.0.1/tcp/0"
const LISTEN_PUBLIC = "/ip4/0.0.0.0/tcp/4150"

/** Settings by name, as some source gave them: TOML values, or text that is yet to be read. */
type Given = Readonly<Record<string, unknown>>

/** The data folder is how the file is found, so it cannot stand in it. */
const names = Object.keys(Settings.fields).filter((name) => name !== "dataFolder")
const lists: ReadonlyArray<string> = ["listen", "bootstrap"]

/** "diskQuota" is ALLIUM_DISK_QUOTA. */
export const variableOf = (name: string): string => name.replace(/[A-Z]/g, "_$&").toUpperCase()

/** Lists are separated by commas or spaces there. */
const fromEnvironment: Effect.Effect<Given, Config.ConfigError> = Effect.gen(function* () {
  const given: Record<string, unknown> = {}
  for (const name of names) {
    const value = yield* Config.option(Config.String(variableOf(name))).pipe(Config.nested("ALLIUM"))
    if (Option.isNone(value) || value.value.trim() === "") continue
    given[name] = lists.includes(name) ? value.value.split(/[,\s]+/).filter((part) => part !== "") : value.value
  }
  return given
})

const fromFile = (file: string) =>
  Effect.try({
    try: (): Given => parse(readFileSync(file, "utf8")),
    catch: (cause) => cause
  }).pipe(
    Effect.catch((cause) => {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return Effect.succeed<Given>({})
      const reason = cause instanceof TomlError ? `line ${cause.line} is not TOML` : String(cause)
      return Effect.fail(failure(`the settings in ${file} cannot be read, ${reason}: correct the file or remove it`))
    }),
    Effect.flatMap((given) => {
      const unknown = Object.keys(given).filter((name) => !names.includes(name))
      return unknown.length === 0
        ? Effect.succeed(given)
        : Effect.fail(failure(`${file} has unknown settings: ${unknown.join(", ")}; known are ${names.join(", ")}`))
    })
  )

/** The settings of the node on this data folder. `flags` holds what was said on the command line, by setting. */
export const loadSettings = Effect.fnUntraced(function* (dataFolder: string, flags: Given) {
  const file = join(dataFolder, SETTINGS_FILE)
  const environment = yield* Effect.mapError(fromEnvironment, (error) =>
    failure(`bad ALLIUM_* setting: ${error.message}`)
  )
  const given = { ...(yield* fromFile(file)), ...environment, ...flags, dataFolder }
  const settings = yield* Config.schema(Settings)
    .parse(ConfigProvider.fromUnknown(given))
    .pipe(Effect.mapError((error) => failure(`bad setting (in flags, ALLIUM_* or ${file}): ${oneLine(error.message)}`)))
  const listen = "listen" in given ? settings.listen : [settings.local ? LISTEN_LOCAL : LISTEN_PUBLIC]
  for (const address of [...listen, ...settings.bootstrap]) {
    const parsed = parseAddress(address)
    if (Result.isFailure(parsed)) return yield* failure(`"${address}" is not an address: ${parsed.failure}`)
    if (settings.bootstrap.includes(address) && parsed.success.peer === undefined) {
      return yield* failure(`"${address}" has no /p2p/ part: give the whole address, as the other node printed it`)
    }
  }
  const authority = authorityOf(settings.authority)
  if (Result.isFailure(authority)) {
    const { message } = new AuthorityInvalid({ authority: settings.authority, reason: authority.failure })
    return yield* failure(message)
  }
  return { ...settings, listen }
})

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ")

/** The text of the file with a setting more, or another value of it; every other line stays. */
export const withSetting = (text: string, name: string, value: string): string => {
  const line = `${name} = ${JSON.stringify(value)}`
  const lines = text.trim() === "" ? [] : text.trimEnd().split("\n")
  const said = lines.findIndex((it) => new RegExp(`^\\s*${name}\\s*=`).test(it))
  const shown = said >= 0 ? said : lines.findIndex((it) => new RegExp(`^#\\s*${name}\\s*=`).test(it))
  return `${(shown < 0 ? [...lines, line] : lines.with(shown, line)).join("\n")}\n`
}

/** The file as `init` writes it: nothing is decided in it, everything can be. */
export const template = (): string => {
  const defaults = Object.entries({ ...defaultSettings, listen: [LISTEN_PUBLIC] })
  const lines = defaults
    .filter(([name]) => names.includes(name))
    .map(([name, value]) => `# ${name} = ${JSON.stringify(value)}`)
  return [
    "# Settings of this node. Each is shown as it is when nothing is said; remove the # to change it.",
    "# Flags and environment variables (ALLIUM_NETWORK, ALLIUM_DISK_QUOTA, ...) go before this file.",
    "",
    ...lines,
    ""
  ].join("\n")
}
