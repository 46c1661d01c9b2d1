/**
 * What this node does to its own entries: stores the next version, encrypts the newest one anew, deletes. For each address
 * one thing at a time; before a byte of the content is read it is known that this node may.
 */
import { Effect, Pull, Stream } from "effect"
import type { Directory } from "#core/ucxl/Directory"
import { believed, storingRoles } from "#core/ucxl/policy"
import { concatBytes, equalBytes } from "#schemas/bytes/bytes"
import { isTextUpTo } from "#schemas/bytes/fields"
import type { Cid } from "#schemas/content/Cid"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { CONTENT_TYPE_LIMIT, type Metadata } from "#schemas/ucxl/Metadata"
import { InvalidRecord, type NameEntry } from "#services/dht/Dht"
import type { IndexItem } from "#services/ucxl/ContentIndex"
import { ContentTooLarge, Denied } from "#services/ucxl/EncryptedStore"
import { AT_ONCE } from "#services/ucxl/Limits"
import type { Tell } from "./notices.ts"
import { linkOf, type Reading } from "./reading.ts"
import type { StoreState } from "./StoreState.ts"
import type { Draft, Storing } from "./storing.ts"
import type { Versions } from "./versions.ts"

const DELETED = new Uint8Array(0)

export const makeChanging = (state: StoreState, reading: Reading, storing: Storing, versions: Versions, tell: Tell) => {
  const { dht, directory, index, self } = state

  const isOwn = ({ author }: { readonly author: Uint8Array }): boolean => equalBytes(author, self.publicKey)

  /** What is there after a version was published: in memory only where readers will believe it. */
  const settle = (
    address: UcxlAddress,
    { cid, level, metadataCid, stored }: Effect.Success<ReturnType<Storing["publish"]>>,
    whole: Uint8Array | undefined,
    others: NameEntry | undefined
  ): void => {
    const { metadata, seq } = stored
    if (whole === undefined || (others?.role ?? 0) > level) state.forget(address)
    else state.remember(address, { metadata, content: whole, cid, author: self.did, seq })
    tell(address, seq, { cid, metadataCid })
  }

  const store = Effect.fnUntraced(function* <E>(
    address: UcxlAddress,
    content: Uint8Array | Stream.Stream<Uint8Array, E>,
    creatorRole: string,
    contentType: string
  ) {
    if (!isTextUpTo(contentType, CONTENT_TYPE_LIMIT) || !contentType.isWellFormed()) {
      return yield* new InvalidRecord({ reason: `a content type has at most ${CONTENT_TYPE_LIMIT} bytes` })
    }
    const task = Effect.gen(function* () {
      const list = yield* directory.current
      yield* storing.permit(list, address, creatorRole)
      const gathered = yield* gather(content, state.contentLimit)
      const entries = yield* reading.entriesOrNone(address)
      const standing = believed(list, entries)
      const previous = standing === undefined ? undefined : linkOf(standing)
      const draft: Draft<E> = { address, creatorRole, contentType, content: gathered, sharedWith: [], previous }
      const published = yield* storing.publish(draft, list)
      const whole = content instanceof Uint8Array ? content : gathered instanceof Uint8Array ? gathered : undefined
      settle(
        address,
        published,
        whole,
        believed(
          list,
          entries.filter((entry) => !isOwn(entry))
        )
      )
      return published.stored
    })
    return yield* state.alone(address, Effect.scoped(task))
  })

  /** This node's own entry, among all there are. */
  const ownAt = Effect.fnUntraced(function* (address: UcxlAddress) {
    const entries = yield* reading.entriesAt(address)
    const own = entries.find(isOwn)
    if (own === undefined) return yield* new Denied({ address, role: "", reason: "NotAuthor" })
    return { entries, own }
  })

  /** The same content for other recipients, in the place of what it was; the old files are let go. */
  const encryptAnew = Effect.fnUntraced(function* (
    address: UcxlAddress,
    before: { readonly cid: Cid; readonly metadataCid: Cid },
    metadata: Metadata,
    sharedWith: ReadonlyArray<string>,
    list: Directory
  ) {
    const { contentType, creatorRole, previous, timestamp } = metadata
    yield* storing.permit(list, address, creatorRole, sharedWith)
    const content = yield* reading.openContent(address, before.cid, metadata)
    const large = content.length > AT_ONCE ? inPieces(content) : content
    const draft = { address, creatorRole, contentType, content: large, sharedWith, previous, timestamp }
    const published = yield* storing.publish(draft, list)
    const entries = yield* reading.entriesOrNone(address)
    settle(
      address,
      published,
      content,
      believed(
        list,
        entries.filter((entry) => !isOwn(entry))
      )
    )
    yield* storing.letGo([before.cid, before.metadataCid])
    return published.stored
  })

  const share = (address: UcxlAddress, role: string) =>
    state.alone(
      address,
      Effect.gen(function* () {
        const list = yield* directory.current
        const { own } = yield* ownAt(address)
        const before = yield* reading.decodeEntry(address, own)
        const metadata = yield* reading.openMetadata(address, before.metadataCid)
        const shared = new Set([...metadata.sharedWith, role])
        for (const reader of list.readersOf(metadata.creatorRole)) shared.delete(reader)
        // The one that is asked for has to exist; those of before may be gone by now.
        const sharedWith = [...shared].filter((name) => name === role || list.find(name) !== undefined)
        return yield* encryptAnew(address, before, metadata, sharedWith, list)
      })
    )

  /** A role by which this node can delete: that of the content, or the highest that it has. */
  const deletingRole = (list: Directory, row: IndexItem | undefined): string | undefined => {
    const roles = storingRoles(list, self.publicKey)
    return row !== undefined && roles.includes(row.creatorRole) ? row.creatorRole : roles[0]
  }

  /** Older versions are let go as well, as far as this node can still read where they are. */
  const letAllGo = Effect.fnUntraced(
    function* (address: UcxlAddress, own: NameEntry) {
      const newest = yield* reading.decodeEntry(address, own)
      yield* storing.letGo([newest.cid, newest.metadataCid])
      const metadata = yield* reading.openMetadata(address, newest.metadataCid)
      yield* Stream.runForEach(versions.backwards(address, { ...newest, metadata }), ({ cid, metadataCid }) =>
        storing.letGo([cid, metadataCid])
      )
    },
    Effect.catch((error) =>
      Effect.logDebug("older versions of what was deleted may stay pinned", { error: error._tag })
    )
  )

  const remove = (address: UcxlAddress) =>
    state.alone(
      address,
      Effect.gen(function* () {
        const list = yield* directory.current
        const authority = yield* state.authority
        const { own } = yield* ownAt(address)
        const row = yield* index.find(address)
        const role = deletingRole(list, row)
        if (role === undefined) return yield* new Denied({ address, role: "", reason: "NotMember" })
        const { grants } = yield* storing.permit(list, address, role)
        const { seq } = yield* dht.putName(address, DELETED, { authority, grants })
        state.forget(address)
        const base = row ?? emptyRow(address, role, self.did, state.now())
        if (base.author === self.did) yield* index.put({ ...base, own: true, seq, deleted: true })
        const deleted = linkOf(own)
        if (deleted !== undefined) tell(address, seq, { metadataCid: deleted.metadataCid })
        yield* letAllGo(address, own)
      })
    )

  return { store, share, remove, encryptAnew }
}

export type Changing = ReturnType<typeof makeChanging>

const PIECE = 65_536

const inPieces = (content: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.unfold(0, (at) =>
    Effect.succeed(at < content.length ? ([content.subarray(at, at + PIECE), at + PIECE] as const) : undefined)
  )

/** What is small enough is had whole; of a stream no more is read than it takes to know. */
const gather = Effect.fnUntraced(function* <E>(content: Uint8Array | Stream.Stream<Uint8Array, E>, limit: number) {
  if (content instanceof Uint8Array) {
    if (content.length > limit) return yield* new ContentTooLarge({ bytes: content.length, limit })
    return content.length > AT_ONCE ? inPieces(content) : content
  }
  const pull = yield* Stream.toPull(content)
  const pieces: Array<Uint8Array> = []
  let bytes = 0
  let isOver = false
  while (!isOver && bytes <= AT_ONCE) {
    const next = yield* Pull.catchDone(pull, () => Effect.succeed([]))
    isOver = next.length === 0
    for (const piece of next) {
      pieces.push(piece)
      bytes += piece.length
    }
  }
  if (isOver && bytes <= AT_ONCE) return concatBytes(pieces)
  const begun = Stream.fromIterable(pieces)
  return isOver ? begun : Stream.concat(begun, Stream.fromPull(Effect.succeed(pull)))
})

/** Of an own entry that the index does not know: enough to know it as deleted. */
const emptyRow = (address: UcxlAddress, creatorRole: string, author: string, timestamp: number): IndexItem => ({
  ...{ address, creatorRole, author, timestamp },
  ...{ encryptedFor: [], contentType: "", size: 0, sha256: "", cid: "", metadataCid: "", seq: 0, own: true },
  ...{ holders: [], replicationFactor: 0, recipients: "", deleted: true }
})
