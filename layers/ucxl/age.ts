/**
 * The one place that knows the age library (https://age-encryption.org/v1; files of the `age` command are read, and it
 * reads ours). Loaded when it is first needed: it takes longer than a whole node needs to start.
 *
 * A file goes through the library in pieces, so that neither its size nor its time stands in the way of others. Decrypting
 * is all or nothing: what was decrypted of a file that turns out to be spoiled is overwritten and never seen.
 */
import { type Cause, Effect, Redacted, Result, Schema, Stream } from "effect"
import { headerLength, LEAST_PAYLOAD, payloadLength } from "#core/ucxl/ageFile"
import { HEADER_LIMIT } from "#services/ucxl/Limits"

/** `NoIdentity`: it is for others. `Recipient`: one of those to encrypt to is no key. `detail` is the library's word. */
export class AgeRefused extends Schema.TaggedError<AgeRefused>()("AgeRefused", {
  what: Schema.Literals(["NoIdentity", "Truncated", "Undecipherable", "Recipient"]),
  detail: Schema.String
}) {}

export type Identities = ReadonlyArray<Redacted.Redacted<string>>

/** Counted as they begin. */
export interface AgeTally {
  encryptions: number
  decryptions: number
}

/** Bytes handed to the library at a time. */
const PIECE = 65_536

/** Pieces after which others get their turn: about 5 ms of work. */
const PIECES_A_TURN = 8

/** How version 0.3.1 says that none of our keys opens it; a test holds the two together. */
const NO_IDENTITY = "no identity matched"

const library = Effect.promise(() => import("age-encryption"))

const wordOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const refused = (what: AgeRefused["what"]) => (cause: unknown) => new AgeRefused({ what, detail: wordOf(cause) })

/** Given piece by piece, as somebody pulls. */
const readableOf = (bytes: Uint8Array): ReadableStream<Uint8Array> => {
  let at = 0
  return new ReadableStream(
    {
      pull: (controller) => {
        if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + PIECE))
        at += PIECE
        if (at >= bytes.length) controller.close()
      }
    },
    { highWaterMark: 0 }
  )
}

/** All that comes, `length` bytes of it and not one more or less. */
const collect = Effect.fnUntraced(function* (readable: ReadableStream<Uint8Array>, length: number) {
  const whole = new Uint8Array(length)
  const reader = readable.getReader()
  let at = 0
  const readAll = Effect.gen(function* () {
    for (let pieces = 1; ; pieces++) {
      const { done, value } = yield* Effect.tryPromise({ try: () => reader.read(), catch: refused("Undecipherable") })
      if (done) break
      if (value.length > length - at) return yield* refused("Undecipherable")("it is longer than it should be")
      whole.set(value, at)
      at += value.length
      if (pieces % PIECES_A_TURN === 0) yield* Effect.yieldNow
    }
    if (at < length) return yield* refused("Truncated")("it is shorter than it should be")
    return whole
  })
  return yield* Effect.onError(readAll, () =>
    Effect.promise(() => {
      whole.fill(0)
      return reader.cancel().catch(() => {}) // a stream that has failed refuses to be cancelled
    })
  )
})

const encrypterFor = Effect.fnUntraced(function* (recipients: ReadonlyArray<string>) {
  const { Encrypter } = yield* library
  const encrypter = new Encrypter()
  yield* Effect.try({
    try: () => {
      for (const recipient of recipients) encrypter.addRecipient(recipient)
    },
    catch: refused("Recipient")
  })
  return encrypter
})

const begin = Effect.fnUntraced(function* (recipients: ReadonlyArray<string>, plain: ReadableStream<Uint8Array>) {
  const encrypter = yield* encrypterFor(recipients)
  return yield* Effect.tryPromise({ try: () => encrypter.encrypt(plain), catch: refused("Recipient") })
})

/** Which refusal it is that a file of this length gets, where `size` bytes were expected in it. */
const judge =
  (payload: number, size: number | undefined) =>
  (refusal: AgeRefused): AgeRefused => {
    if (refusal.detail.startsWith(NO_IDENTITY)) return new AgeRefused({ what: "NoIdentity", detail: refusal.detail })
    const isShort = payload < (size === undefined ? LEAST_PAYLOAD : payloadLength(size))
    return isShort ? new AgeRefused({ what: "Truncated", detail: refusal.detail }) : refusal
  }

export const makeAge = (tally: AgeTally) => {
  const encrypt = Effect.fnUntraced(function* (recipients: ReadonlyArray<string>, plain: Uint8Array) {
    tally.encryptions++
    const encrypted = yield* begin(recipients, readableOf(plain))
    return yield* collect(encrypted, encrypted.size(plain.length))
  })

  /** Ends early, with the content's own failure, where that fails. */
  const encryptStream = <E, F>(
    recipients: ReadonlyArray<string>,
    content: Stream.Stream<Uint8Array, E>,
    onRefused: (refusal: AgeRefused) => F
  ): Stream.Stream<Uint8Array, E | F> =>
    Stream.unwrap(
      Effect.gen(function* () {
        tally.encryptions++
        // Through the library a failure comes back without its type, so it is taken aside on the way in.
        let failed: Cause.Cause<E> | undefined
        const heard = Stream.tapCause(content, (cause) =>
          Effect.sync(() => {
            failed = cause
          })
        )
        const plain = yield* Stream.toReadableStreamEffect(heard)
        const encrypted = yield* Effect.mapError(begin(recipients, plain), onRefused)
        return Stream.fromReadableStream<Uint8Array, F>({
          evaluate: () => encrypted,
          onError: (cause) => onRefused(refused("Undecipherable")(cause))
        }).pipe(
          Stream.catchCause(
            (cause): Stream.Stream<never, E | F> =>
              failed === undefined ? Stream.failCause(cause) : Stream.failCause(failed)
          )
        )
      })
    )

  /** `size`: bytes that are expected in it, where that is known. */
  const decrypt = Effect.fnUntraced(function* (identities: Identities, file: Uint8Array, size?: number) {
    tally.decryptions++
    const header = headerLength(file, HEADER_LIMIT)
    if (Result.isFailure(header)) {
      const what = header.failure === "Truncated" ? "Truncated" : "Undecipherable"
      return yield* refused(what)(`its header: ${header.failure}`)
    }
    const payload = file.length - header.success
    const { Decrypter } = yield* library
    const decrypter = new Decrypter()
    const open = Effect.tryPromise({
      try: async () => {
        for (const identity of identities) decrypter.addIdentity(Redacted.value(identity))
        const plain = await decrypter.decrypt(readableOf(file))
        return { plain, length: plain.size(file.length) }
      },
      catch: refused("Undecipherable")
    })
    const whole = Effect.flatMap(open, ({ length, plain }) => collect(plain, length))
    return yield* Effect.mapError(whole, judge(payload, size))
  })

  return { encrypt, encryptStream, decrypt }
}

export type Age = ReturnType<typeof makeAge>
