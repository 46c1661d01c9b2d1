/** What `allium set` and `allium read` do: plain names of the open namespace, where everybody has an entry of his own. */
import { Clock, Effect } from "effect"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import { NAMED_LIMIT } from "#schemas/dht/Name"
import { NAME_BYTES, type NameStatus } from "#services/node/ControlSchemas"
import { ask } from "./client.ts"
import { failure, wrongUsage } from "./Failure.ts"
import { ago, count, harmless, lifetime, note, paintOut, say, sayJson, storedText, write } from "./output.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

const checkName = (name: string) => {
  const { length } = utf8(name)
  if (length === 0) return Effect.fail(wrongUsage("a name has at least one letter"))
  return length > NAME_BYTES
    ? Effect.fail(wrongUsage(`a name has at most ${NAME_BYTES} bytes and this one has ${length}: shorten it`))
    : Effect.void
}

/** No more than a value may have is read, and a byte by which it is seen to be too long. */
const fromStdin = Effect.tryPromise({
  try: async () => {
    const parts: Array<Uint8Array> = []
    let length = 0
    for await (const part of process.stdin) {
      parts.push(part)
      length += part.length
      if (length > NAMED_LIMIT) break
    }
    return new Uint8Array(Buffer.concat(parts))
  },
  catch: (cause) => failure(`the standard input cannot be read (${String(cause)})`)
})

const valueOf = Effect.fnUntraced(function* (text: string) {
  const value = text === "-" ? yield* fromStdin : utf8(text)
  if (value.length === 0)
    return yield* wrongUsage("an empty value would delete the entry: say --delete if you mean that")
  if (value.length <= NAMED_LIMIT) return value
  return yield* wrongUsage(
    `a value has at most ${NAMED_LIMIT} bytes: put it with "allium put" and set the name to its CID`
  )
})

export const setName = Effect.fnUntraced(function* (
  { data, json }: Shared,
  name: string,
  text: string | undefined,
  remove: boolean
) {
  if (remove === (text !== undefined)) return yield* wrongUsage("give either a value or --delete")
  yield* checkName(name)
  const value = text === undefined ? undefined : yield* valueOf(text)
  const what = `${remove ? "deleting" : "setting"} ${name}`
  const receipt = yield* ask(data, what, (client) =>
    value === undefined ? client.deleteName({ query: { name } }) : client.setName({ payload: { name, value } })
  )
  if (json) return yield* sayJson(receipt)
  yield* note(storedText(remove ? "deleted" : "set", receipt))
})

export const readName = Effect.fnUntraced(function* ({ data, json }: Shared, name: string, all: boolean) {
  yield* checkName(name)
  const entries = yield* ask(data, `looking for ${name}`, (client) =>
    Effect.catchTag(client.readName({ query: { name } }), "NotFound", ({ asked }) =>
      Effect.fail(
        failure(
          `nobody has an entry under "${name}" (${count(asked, "node")} asked): check its letters, or set it with "allium set"`
        )
      )
    )
  )
  const now = (yield* Clock.currentTimeMillis) / 1_000
  const shown = all ? entries : entries.slice(0, 1)
  if (json) return yield* Effect.forEach(shown, (entry) => sayJson(jsonOf(entry)), { discard: true })
  if (all) return yield* Effect.forEach(shown, (entry) => say(lineOf(entry, now)), { discard: true })
  const [entry] = shown
  if (entry === undefined) return
  yield* sayValue(entry.value)
  const others = entries.length - 1
  const more = others === 0 ? "" : `; ${others} more under this name, see --all`
  const by = entry.own ? "set by this node" : `set by ${entry.author}`
  yield* note(`${by} ${ago(entry.issued, now)}, ${lifetime(entry.expires, now)}${more}`)
})

/** Undefined for bytes that are no text. */
const textOf = (value: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value)
  } catch {
    return undefined
  }
}

/** Text ends with a new line; other bytes are a program's, and written as they are. A stranger steers no terminal. */
const sayValue = (value: Uint8Array) => {
  const text = textOf(value)
  if (process.stdout.isTTY === true) return say(text === undefined ? hexOf(value) : harmless(text.replace(/\n$/, "")))
  return text === undefined || text.endsWith("\n") ? write(value) : say(text)
}

const jsonOf = ({ value, ...entry }: NameStatus) => ({
  ...entry,
  value: textOf(value) ?? null,
  base64: Buffer.from(value).toString("base64")
})

const lineOf = ({ author, issued, own, value }: NameStatus, now: number): string => {
  const text = textOf(value)
  const shown = text === undefined ? `0x${hexOf(value)}` : harmless(text)
  return `${shown}  ${paintOut.dim(`${own ? "this node" : author}, ${ago(issued, now)}`)}`
}
