/**
 * From content to an entry that others find: encrypted, kept as a blob, described by sealed metadata, and then named. The
 * entry comes last, so that whoever finds it finds the rest; what was put for an entry that did not come about is let go.
 */
import { Effect, Result, Stream } from "effect"
import { base64url } from "multiformats/bases/base64"
import type { Directory } from "#core/ucxl/Directory"
import { type Permit, permitOf } from "#core/ucxl/policy"
import { searchableText } from "#core/ucxl/searchable"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import { type Cid, cidText, digestOf } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { write as writeEntry } from "#schemas/ucxl/Entry"
import { HOLDERS_NAMED, Metadata, write as writeMetadata } from "#schemas/ucxl/Metadata"
import type { BlobReceipt } from "#services/content/Blobs"
import { ContentTooLarge, Denied, type Stored, UnknownRole } from "#services/ucxl/EncryptedStore"
import { TEXT_LIMIT } from "#services/ucxl/Limits"
import { RolesUnavailable } from "#services/ucxl/RoleDirectory"
import type { AgeRefused } from "./age.ts"
import { indexItem } from "./indexItem.ts"
import type { StoreState } from "./StoreState.ts"

/** What is to be stored. */
export interface Draft<E> {
  readonly address: UcxlAddress
  readonly creatorRole: string
  readonly contentType: string
  /** A stream is one of more than `AT_ONCE` bytes. */
  readonly content: Uint8Array | Stream.Stream<Uint8Array, E>
  readonly sharedWith: ReadonlyArray<string>
  readonly previous: Metadata["previous"]
  /** Unix milliseconds; now where it is new. */
  readonly timestamp?: number
}

/** An age file that is in the DHT. */
interface Kept {
  readonly receipt: BlobReceipt
  readonly sha256: Uint8Array
  /** Of its plaintext. */
  readonly size: number
}

/** Sorted, so that the order of roles does not count. */
export const recipientsDigest = (
  sha256: (bytes: Uint8Array) => Uint8Array,
  recipients: ReadonlyArray<string>
): string => hexOf(sha256(utf8([...recipients].sort().join("\n"))))

export const makeStoring = (state: StoreState) => {
  const { age, blobs, dht, index, pins, self, suite } = state

  /** What this node needs for storing in the name of a role, or why it may not. */
  const permit = Effect.fnUntraced(function* (
    list: Directory,
    address: UcxlAddress,
    role: string,
    sharedWith: ReadonlyArray<string> = []
  ) {
    for (const name of [role, ...sharedWith]) {
      if (list.find(name) === undefined) {
        return yield* new UnknownRole({ role: name, known: list.roles.map((it) => it.name) })
      }
    }
    const judged = permitOf(list, role, sharedWith, self.publicKey, state.seconds())
    return yield* Effect.fromResult(Result.mapError(judged, (reason) => new Denied({ address, role, reason })))
  })

  /** This node refreshes them no more. */
  const letGo = (cids: ReadonlyArray<Cid>) =>
    Effect.forEach(cids, (cid) => pins.remove(RecordKind.Block, digestOf(cid)), { discard: true })

  const letGoAfterFailure = (cids: ReadonlyArray<Cid>) =>
    Effect.catchTag(letGo(cids), "StorageFailed", (failure) =>
      Effect.logWarning("what was put for an entry that failed stays pinned", { operation: failure.operation })
    )

  const keepBytes = Effect.fnUntraced(function* (recipients: ReadonlyArray<string>, plain: Uint8Array) {
    const file = yield* Effect.mapError(age.encrypt(recipients, plain), unusable)
    const receipt = yield* blobs.put(Stream.succeed(file))
    return { receipt, sha256: suite.sha256(file), size: plain.length } satisfies Kept
  })

  const keepStream = Effect.fnUntraced(function* <E>(
    recipients: ReadonlyArray<string>,
    content: Stream.Stream<Uint8Array, E>
  ) {
    // A hash that takes pieces; loaded with the first that needs one.
    const hash = (yield* Effect.promise(() => import("@noble/hashes/sha2.js"))).sha256.create()
    const limit = state.contentLimit
    let size = 0
    const counted = Stream.tap(content, (piece) => {
      size += piece.length
      return size > limit ? Effect.fail(new ContentTooLarge({ bytes: size, limit })) : Effect.void
    })
    const file = age.encryptStream(recipients, counted, unusable)
    const receipt = yield* blobs.put(Stream.tap(file, (piece) => Effect.sync(() => hash.update(piece))))
    return { receipt, sha256: hash.digest(), size } satisfies Kept
  })

  /** `done` takes down what is in the DHT by now. */
  const put = Effect.fnUntraced(function* <E>(draft: Draft<E>, permit: Permit, done: Array<Cid>) {
    const { address, content } = draft
    const { grants, readers, recipients } = permit
    const authority = yield* state.authority
    const kept: Kept =
      content instanceof Uint8Array ? yield* keepBytes(recipients, content) : yield* keepStream(recipients, content)
    const { cid, factor, holders } = kept.receipt
    done.push(cid)
    const metadata = new Metadata({
      address,
      creatorRole: draft.creatorRole,
      encryptedFor: readers,
      sharedWith: draft.sharedWith,
      contentType: draft.contentType,
      timestamp: draft.timestamp ?? state.now(),
      size: kept.size,
      sha256: kept.sha256,
      holders: holders.slice(0, HOLDERS_NAMED),
      replicationFactor: factor,
      previous: draft.previous
    })
    const about = yield* keepBytes(recipients, writeMetadata(metadata))
    const metadataCid = about.receipt.cid
    done.push(metadataCid)
    const value = writeEntry({ cid, metadataCid, size: kept.size })
    const named = yield* dht.putName(address, value, { authority, grants })
    done.length = 0
    return { metadata, cid, metadataCid, named, receipts: [kept.receipt, about.receipt] }
  })

  /** Encrypts and stores; the entry is in the DHT and in the index when it returns. */
  const publish = Effect.fnUntraced(function* <E>(draft: Draft<E>, list: Directory) {
    const { address, content, creatorRole, sharedWith } = draft
    const granted = yield* permit(list, address, creatorRole, sharedWith)
    const done: Array<Cid> = []
    const { cid, metadata, metadataCid, named, receipts } = yield* Effect.onError(put(draft, granted, done), () =>
      letGoAfterFailure(done)
    )
    const author = { did: self.did, seq: named.seq, own: true }
    const recipients = recipientsDigest(suite.sha256, granted.recipients)
    const item = indexItem(metadata, { cid, metadataCid }, author, recipients)
    const text = content instanceof Uint8Array ? searchableText(metadata.contentType, content, TEXT_LIMIT) : undefined
    yield* index.put(item, text)
    const stored: Stored = {
      address,
      path: `${state.prefix}/ucxl/${base64url.baseEncode(state.digestOf(address))}`,
      cid: cidText(cid),
      metadata,
      seq: named.seq,
      status: [...receipts, named].some(({ status }) => status === "queued") ? "queued" : "stored",
      replicas: Math.min(named.reached, ...receipts.map(({ replicas }) => replicas)),
      factor: named.factor,
      expires: Math.min(named.expires, ...receipts.map(({ expires }) => expires))
    }
    return { stored, cid, metadataCid, level: granted.level }
  })

  return { permit, publish, letGo }
}

export type Storing = ReturnType<typeof makeStoring>

/** Recipients come from the authority's list alone, so it is the list that is no good. */
const unusable = ({ detail }: AgeRefused) =>
  new RolesUnavailable({ reason: `a recipient in the list of roles cannot be encrypted to: ${detail}` })
