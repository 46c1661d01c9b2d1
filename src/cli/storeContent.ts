/** What `allium store put`, `get`, `rm`, `share` and `announce` do. */
import { Clock, Effect, Result, Schema, Stream } from "effect"
import { addressOf, refusalText, type UcxlAddress } from "#schemas/ucxl/Address"
import { CONTENT_TYPE_LIMIT } from "#schemas/ucxl/Metadata"
import { ABOUT_HEADER, RetrievedStatus, type StoredStatus } from "#services/node/StoreApi"
import { ask, connect, sayFailure } from "./client.ts"
import { contentTypeOf } from "./contentTypes.ts"
import { intoFile } from "./download.ts"
import { failure, wrongUsage } from "./Failure.ts"
import { ago, harmless, lifetime, note, paintOut, say, sayJson, size, storedText, write } from "./output.ts"
import { inspect, sending } from "./sending.ts"

export interface Shared {
  readonly data: string
  readonly json: boolean
}

/** As it is normalised; what is no address is not sent anywhere. */
export const checkAddress = (text: string) => {
  const address = addressOf(text)
  return Result.isSuccess(address)
    ? Effect.succeed<UcxlAddress>(address.success)
    : Effect.fail(
        wrongUsage(`"${harmless(text)}" is no address, ${refusalText(address.failure)}: see "allium store --help"`)
      )
}

const checkType = (type: string) =>
  /^[\x20-\x7e]+$/.test(type) && type.length <= CONTENT_TYPE_LIMIT
    ? Effect.succeed(type)
    : Effect.fail(wrongUsage(`a content type has 1 to ${CONTENT_TYPE_LIMIT} plain letters, such as text/markdown`))

const readersOf = ({ encryptedFor }: Pick<StoredStatus, "encryptedFor">): string =>
  encryptedFor.map(harmless).join(", ")

export const putContent = Effect.fnUntraced(
  function* ({ data, json }: Shared, text: string, file: string, role: string, type: string | undefined) {
    const address = yield* checkAddress(text)
    const contentType = yield* checkType(type ?? contentTypeOf(file))
    const source = yield* inspect(file)
    const client = yield* connect(data)
    const query = { address, role, type: contentType }
    const stored = yield* sending(source, (payload) => client.store.put({ payload, query }))
    if (json) return yield* sayJson(stored)
    yield* say(stored.address)
    yield* note(`${size(stored.size)} of ${contentType}, encrypted for ${readersOf(stored)}`)
    yield* note(storedText("stored", stored))
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

const decodeAbout = Schema.decodeUnknownEffect(Schema.fromJsonString(RetrievedStatus))

const plain = (header: string): string => {
  try {
    return decodeURIComponent(header)
  } catch {
    return ""
  }
}

/** Undefined for bytes that are no text. */
const textOf = (content: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content)
  } catch {
    return undefined
  }
}

/** Lines stay lines; whatever else would steer a terminal is shown as its code. */
const shown = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.split("\t").map(harmless).join("\t"))
    .join("\n")

/** Programs get the bytes as they are, a terminal nothing that steers it. */
const sayContent = Effect.fnUntraced(function* (content: Uint8Array) {
  if (process.stdout.isTTY !== true) return yield* write(content)
  const text = textOf(content)
  if (text === undefined)
    return yield* failure(`these are ${size(content.length)} that are no text: write them to a file with -o FILE`)
  yield* say(shown(text.replace(/\n$/, "")))
})

export const getContent = Effect.fnUntraced(
  function* ({ data, json }: Shared, text: string, output: string | undefined, version: string | undefined) {
    const address = yield* checkAddress(text)
    const { about, content } = yield* ask(
      data,
      `looking for ${address}`,
      Effect.fnUntraced(function* (client) {
        const query = version === undefined ? { address } : { address, version }
        const { body, headers } = yield* client.store.get({ query })
        const about = yield* decodeAbout(plain(headers[ABOUT_HEADER]))
        const content = Buffer.concat(yield* Stream.runCollect(body))
        if (content.length === about.size) return { about, content }
        return yield* failure(`the content broke off after ${size(content.length)} of ${size(about.size)}: try again`)
      })
    )
    const now = (yield* Clock.currentTimeMillis) / 1_000
    const told = `${size(about.size)} of ${harmless(about.contentType)}, stored ${ago(about.timestamp / 1_000, now)} by ${harmless(about.creatorRole)} (${about.author})`
    if (output === undefined) {
      yield* sayContent(content)
      return yield* json ? note(JSON.stringify(about)) : note(told)
    }
    yield* intoFile(output, (writeBytes) => writeBytes(content))
    if (json) yield* sayJson({ ...about, file: output })
    else yield* note(`${told}, into ${output}`)
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

export const removeContent = Effect.fnUntraced(function* ({ data, json }: Shared, text: string) {
  const address = yield* checkAddress(text)
  yield* ask(data, `deleting ${address}`, (client) => client.store.remove({ query: { address } }))
  if (json) return yield* sayJson({ address, deleted: true })
  yield* note(`deleted ${address}: whoever has the ciphertext and a key can still read that`)
})

export const shareContent = Effect.fnUntraced(function* ({ data, json }: Shared, text: string, role: string) {
  const address = yield* checkAddress(text)
  const stored = yield* ask(data, `encrypting ${address} anew`, (client) =>
    client.store.share({ payload: { address, role } })
  )
  if (json) return yield* sayJson(stored)
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* say(stored.address)
  yield* note(`encrypted for ${readersOf(stored)}; ${storedText("stored", stored)}`)
  yield* note(paintOut.dim(`it ${lifetime(stored.expires, now)} unless this node refreshes it`))
})

export const announceContent = Effect.fnUntraced(function* ({ data, json }: Shared, text: string) {
  const address = yield* checkAddress(text)
  yield* ask(data, `announcing ${address}`, (client) => client.store.announce({ payload: { address } }))
  if (json) return yield* sayJson({ address, announced: true })
  yield* note(`announced ${address}`)
})
