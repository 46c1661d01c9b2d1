/**
 * From an address to what stands there: the entry that readers believe, its sealed metadata, its age file. Nothing that
 * is found is trusted; each thing is held against the one before, and what was decrypted is given out whole or not at all.
 */
import { Effect, Result, Schema, Stream } from "effect"
import { payloadLength } from "#core/ucxl/ageFile"
import type { Directory } from "#core/ucxl/Directory"
import { believed } from "#core/ucxl/policy"
import { concatBytes, equalBytes } from "#schemas/bytes/bytes"
import type { Cid } from "#schemas/content/Cid"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { type EntryFields, read as readEntry } from "#schemas/ucxl/Entry"
import { Metadata, read as readMetadata } from "#schemas/ucxl/Metadata"
import { grantRoleOf } from "#schemas/ucxl/Role"
import type { NameEntry } from "#services/dht/Dht"
import { ContentTooLarge, NotForUs, Tampered } from "#services/ucxl/EncryptedStore"
import { HEADER_LIMIT, METADATA_LIMIT } from "#services/ucxl/Limits"
import type { AgeRefused } from "./age.ts"
import type { Opened, StoreState } from "./StoreState.ts"

/** An entry, and who made it. */
export interface Located extends EntryFields {
  readonly author: PublicKey
  readonly did: string
  readonly seq: number
  /** Of the grant that it came by. */
  readonly role: number
}

/** Sealed metadata that this node has no key for (`held`: the roles of which it has one), or that is none. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  held: Schema.optionalKey(Schema.Array(Schema.String)),
  detail: Schema.String
}) {}

/** Bytes of sealed metadata that are read. */
const SEALED_LIMIT = HEADER_LIMIT + payloadLength(METADATA_LIMIT)

const locatedOf = (entry: NameEntry): Result.Result<Located, string> =>
  Result.map(readEntry(entry.value), (fields) => {
    const { author, role, seq } = entry
    return { ...fields, author, did: didOf(author), seq, role }
  })

/** Where the version stands that an entry names; undefined where it names none. */
export const linkOf = (entry: NameEntry): Metadata["previous"] =>
  Result.match(readEntry(entry.value), {
    onFailure: () => undefined,
    onSuccess: ({ cid, metadataCid }) => ({ cid, metadataCid })
  })

export const makeReading = (state: StoreState) => {
  const { age, blobs, dht, directory, index, keys, suite } = state

  /** Every entry under an address whose author stores for a role; `NotFound` where there is none at all. */
  const entriesAt = Effect.fnUntraced(function* (address: UcxlAddress) {
    const authority = yield* state.authority
    return yield* dht.getName(address, { authority }).pipe(
      Effect.catchTag("PrivacyUnavailable", Effect.die) // nothing is asked anonymously here
    )
  })

  const decodeEntry = (address: UcxlAddress, entry: NameEntry) =>
    Effect.fromResult(
      Result.mapError(locatedOf(entry), (reason) => {
        return new Tampered({ address, what: "Metadata", detail: `the entry: ${reason}` })
      })
    )

  /** The entry that readers believe. */
  const locate = Effect.fnUntraced(function* (address: UcxlAddress, list: Directory) {
    const entries = yield* entriesAt(address)
    const entry = believed(list, entries)
    if (entry === undefined) {
      const detail = `none of the ${entries.length} entries is by a member of a role that stores`
      return yield* new Tampered({ address, what: "Author", detail })
    }
    const located = yield* decodeEntry(address, entry)
    const { did, seq } = located
    const known = yield* index.find(address)
    if (known?.author === did && seq < known.seq) {
      const detail = `version ${seq} of ${did}, of whom version ${known.seq} was seen`
      return yield* new Tampered({ address, what: "Replayed", detail })
    }
    return { located, known }
  })

  const entriesOrNone = (address: UcxlAddress) =>
    Effect.catchTag(entriesAt(address), "NotFound", () => Effect.succeed<ReadonlyArray<NameEntry>>([]))

  /** A blob of at most `limit` bytes; undefined where it has more. */
  const fetchWhole = (cid: Cid, limit: number) => {
    const pieces: Array<Uint8Array> = []
    let bytes = 0
    return blobs.get(cid).pipe(
      Stream.runForEachWhile((piece) => {
        pieces.push(piece)
        bytes += piece.length
        return Effect.succeed(bytes <= limit)
      }),
      Effect.map(() => (bytes > limit ? undefined : concatBytes(pieces)))
    )
  }

  /** Sealed metadata, decrypted: of whatever address it says it is. */
  const openNamed = Effect.fnUntraced(function* (cid: Cid) {
    const own = yield* keys.list
    const held = [...new Set(own.map(({ role }) => role))]
    const notForUs = new Unreadable({ held, detail: "" })
    if (own.length === 0) return yield* notForUs
    const wrong = (detail: string) => new Unreadable({ detail })
    const sealed = yield* fetchWhole(cid, SEALED_LIMIT)
    if (sealed === undefined) return yield* wrong(`it has more than ${SEALED_LIMIT} bytes`)
    const identities = own.map(({ identity }) => identity)
    const plain = yield* Effect.mapError(age.decrypt(identities, sealed), ({ detail, what }) =>
      what === "NoIdentity" ? notForUs : wrong(`${what}: ${detail}`)
    )
    const metadata = readMetadata(plain)
    return Result.isFailure(metadata) ? yield* wrong(metadata.failure) : new Metadata(metadata.success)
  })

  /** Decrypted; the address is the one that it should be of, as far as that is known. */
  const openMetadata = Effect.fnUntraced(function* (address: UcxlAddress, cid: Cid) {
    const wrong = (detail: string) => new Tampered({ address, what: "Metadata", detail })
    const metadata = yield* Effect.catchTag(openNamed(cid), "Unreadable", ({ detail, held }) =>
      Effect.fail(held === undefined ? wrong(detail) : new NotForUs({ address, held }))
    )
    if (metadata.address !== address) return yield* wrong("it is of another address")
    return metadata
  })

  /** What an entry's author says of it: he must be a member of the role that he claims, and the sizes agree. */
  const describe = Effect.fnUntraced(function* (address: UcxlAddress, located: Located, list: Directory) {
    const metadata = yield* openMetadata(address, located.metadataCid)
    const { creatorRole } = metadata
    const role = list.find(creatorRole)
    if (role === undefined || grantRoleOf(role.level) === 0 || !list.isMember(creatorRole, located.author)) {
      const detail = `${located.did} may not store in the name of ${creatorRole}`
      return yield* new Tampered({ address, what: "Author", detail })
    }
    if (metadata.size !== located.size) {
      const detail = `it says ${metadata.size} bytes, the entry ${located.size}`
      return yield* new Tampered({ address, what: "Metadata", detail })
    }
    return metadata
  })

  /** Fetched, held against the metadata, decrypted. */
  const openContent = Effect.fnUntraced(function* (address: UcxlAddress, cid: Cid, metadata: Metadata) {
    const { sha256, size } = metadata
    const limit = state.contentLimit
    if (size > limit) return yield* new ContentTooLarge({ bytes: size, limit })
    const identities = (yield* keys.list).map(({ identity }) => identity)
    const file = yield* fetchWhole(cid, HEADER_LIMIT + payloadLength(size))
    if (file === undefined || !equalBytes(suite.sha256(file), sha256)) {
      return yield* new Tampered({ address, what: "Ciphertext", detail: "it is not the file that the metadata names" })
    }
    const content = yield* Effect.mapError(age.decrypt(identities, file, size), (refusal) =>
      tamperedBy(address, refusal)
    )
    if (content.length !== size) {
      const detail = `it says ${size} bytes, the content has ${content.length}`
      return yield* new Tampered({ address, what: "Metadata", detail })
    }
    return content
  })

  /** The newest version, decrypted. */
  const open = Effect.fnUntraced(function* (address: UcxlAddress) {
    const list = yield* directory.current
    const { known, located } = yield* locate(address, list)
    const metadata = yield* describe(address, located, list)
    const content = yield* openContent(address, located.cid, metadata)
    const { cid, did, seq } = located
    const opened: Opened = { metadata, content, cid, author: did, seq }
    return { opened, located, known }
  })

  return { entriesAt, entriesOrNone, decodeEntry, locate, describe, openNamed, openMetadata, openContent, open }
}

export type Reading = ReturnType<typeof makeReading>

/** The metadata was for us and says that this is too: a file that is not was put in its place. */
const tamperedBy = (address: UcxlAddress, { detail, what }: AgeRefused): Tampered =>
  new Tampered({ address, what: what === "Truncated" ? "Truncated" : "Undecipherable", detail })
