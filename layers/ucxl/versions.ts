/**
 * Older versions of what stands under an address: each version's metadata links the one before. Who vouches for all of
 * them is the author of the newest, by his links, which are hashes; so none is given out to which they do not lead.
 */
import { Effect, Option, Result, Stream } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { type Cid, cidOfText, cidText, digestOf } from "#schemas/content/Cid"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import type { Metadata } from "#schemas/ucxl/Metadata"
import { BlobUnreadable } from "#services/content/Blobs"
import { NotFound } from "#services/dht/Dht"
import type { RetrieveError, Version } from "#services/ucxl/EncryptedStore"
import { HISTORY_LIMIT } from "#services/ucxl/Limits"
import type { Reading } from "./reading.ts"
import type { StoreState } from "./StoreState.ts"

/** A version, and where it is. */
export interface Linked {
  readonly cid: Cid
  readonly metadataCid: Cid
  readonly metadata: Metadata
}

export const makeVersions = ({ directory }: StoreState, reading: Reading) => {
  /** The newest, checked as `retrieve` would. */
  const newest = Effect.fnUntraced(function* (address: UcxlAddress) {
    const list = yield* directory.current
    const { located } = yield* reading.locate(address, list)
    const metadata = yield* reading.describe(address, located, list)
    const linked: Linked = { cid: located.cid, metadataCid: located.metadataCid, metadata }
    return { located, linked }
  })

  const before = (address: UcxlAddress, { metadata: { previous } }: Linked) =>
    previous === undefined
      ? Effect.succeed(undefined)
      : Effect.map(
          reading.openMetadata(address, previous.metadataCid),
          (metadata): Linked => ({ ...previous, metadata })
        )

  /** From a version backwards, itself first, each fetched when somebody asks for it. */
  const backwards = (address: UcxlAddress, first: Linked): Stream.Stream<Linked, RetrieveError> =>
    Stream.unfold({ step: Effect.succeed(first) as Step, number: 1 }, ({ number, step }) =>
      number > HISTORY_LIMIT
        ? Effect.succeed(undefined)
        : Effect.map(step, (linked) =>
            linked === undefined
              ? undefined
              : ([linked, { step: before(address, linked), number: number + 1 }] as const)
          )
    )

  /** The version of this metadata, and the newest, by which it is known; `NotFound` where no link leads to it. */
  const find = Effect.fnUntraced(function* (address: UcxlAddress, text: string) {
    const wanted = cidOfText(text)
    if (Result.isFailure(wanted)) return yield* new BlobUnreadable({ cid: text, reason: wanted.failure })
    const { linked, located } = yield* newest(address)
    const found = yield* backwards(address, linked).pipe(
      Stream.filter(({ metadataCid }) => equalBytes(metadataCid, wanted.success)),
      Stream.runHead
    )
    if (Option.isNone(found)) return yield* new NotFound({ key: digestOf(wanted.success), asked: 0 })
    return { version: found.value, located }
  })

  return { newest, backwards, find }
}

export type Versions = ReturnType<typeof makeVersions>

type Step = Effect.Effect<Linked | undefined, RetrieveError>

export const versionOf = ({ cid, metadata, metadataCid }: Linked): Version => ({
  cid: cidText(cid),
  metadataCid: cidText(metadataCid),
  metadata
})
