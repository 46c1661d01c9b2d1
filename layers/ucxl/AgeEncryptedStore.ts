/**
 * Content under readable addresses, encrypted with age to roles (DESIGN.md §10): see `storing.ts` for the way in and
 * `reading.ts` for the way out. What is here joins them to the cache, the index and the log of audit.
 *
 * Where the settings name no authority, every call that needs roles says so, and nothing runs in the background.
 */
import { Effect, Layer, Result, Stream } from "effect"
import { clipText } from "#schemas/bytes/fields"
import { ADDRESS_LIMIT, addressOf, type UcxlAddress } from "#schemas/ucxl/Address"
import type { Criteria, Cursor } from "#services/ucxl/ContentIndex"
import { EncryptedStore, InvalidAddress, type Retrieved } from "#services/ucxl/EncryptedStore"
import { PAGE } from "#services/ucxl/Limits"
import { CacheSweep } from "#services/ucxl/Schedules"
import { makeAge } from "./age.ts"
import { makeAnnouncing } from "./announcing.ts"
import { type Detail, makeAuditing } from "./auditing.ts"
import { makeChanging } from "./changing.ts"
import { makeIndexing } from "./indexing.ts"
import { makeNotices } from "./notices.ts"
import { makeReading } from "./reading.ts"
import { followRoles } from "./renewing.ts"
import { makeRotating } from "./rotating.ts"
import { makeState, type Opened, type StoreOptions } from "./StoreState.ts"
import { makeStoring } from "./storing.ts"
import { makeVersions, versionOf } from "./versions.ts"

const parse = (text: string): Effect.Effect<UcxlAddress, InvalidAddress> =>
  Effect.fromResult(
    Result.mapError(
      addressOf(text),
      ({ part, reason }) => new InvalidAddress({ address: clipText(text, ADDRESS_LIMIT), part: part ?? "", reason })
    )
  )

const detailOf = ({ metadata }: Pick<Retrieved, "metadata">): Detail => ({
  role: metadata.creatorRole,
  contentType: metadata.contentType,
  size: metadata.size
})

/** `encryption`: only for tests of what stands around it. */
export const make = Effect.fnUntraced(function* (options: StoreOptions = {}, encryption = makeAge) {
  const state = yield* makeState(options, encryption)
  const { cache, counts, directory, index } = state
  const audited = makeAuditing(state)
  const reading = makeReading(state)
  const storing = makeStoring(state)
  const versions = makeVersions(state, reading)
  const indexing = makeIndexing(state)
  const tell = yield* makeNotices(state, reading, yield* followRoles(state))
  const { announce, discover } = yield* makeAnnouncing(state, reading, versions, tell)
  const changing = makeChanging(state, reading, storing, versions, tell)
  const rotating = makeRotating(state, reading, changing, audited)

  if (directory.authority !== undefined) {
    const sweep = Effect.sync(() => {
      if (cache.sweep(state.now()) > 0) state.measureCache()
    })
    yield* Effect.forkScoped(Effect.schedule(sweep, yield* CacheSweep))
  }

  const given = (address: UcxlAddress, opened: Opened, cached: boolean): Retrieved => ({
    address,
    metadata: opened.metadata,
    content: cached ? opened.content.slice() : opened.content,
    author: opened.author,
    seq: opened.seq,
    cached
  })

  /** From the network; what is in memory of an address that does not stand up to it is forgotten. */
  const fetchNewest = Effect.fnUntraced(
    function* (address: UcxlAddress) {
      const { known, located, opened } = yield* reading.open(address)
      yield* indexing.seen(opened, located, known)
      state.remember(address, opened)
      return opened
    },
    (effect, address) => Effect.onError(effect, () => Effect.sync(() => state.forget(address)))
  )

  const retrieve = Effect.fnUntraced(function* (text: string) {
    const address = yield* parse(text)
    const held = cache.get(address, state.now())
    counts.add(held === undefined ? "cacheMisses" : "cacheHits")
    return given(address, held ?? (yield* fetchNewest(address)), held !== undefined)
  })

  const retrieveVersion = Effect.fnUntraced(function* (text: string, metadataCid: string) {
    const address = yield* parse(text)
    const { located, version } = yield* versions.find(address, metadataCid)
    const { cid, metadata } = version
    const content = yield* reading.openContent(address, cid, metadata)
    return given(address, { metadata, content, cid, author: located.did, seq: located.seq }, false)
  })

  /** Every item that meets the criteria, a page at a time, as long as somebody reads. */
  const pages = (criteria: Criteria, from: Cursor | undefined) =>
    Stream.unfold(from as Cursor | undefined | "end", (after) =>
      after === "end"
        ? Effect.succeed(undefined)
        : Effect.map(index.search(criteria, after, PAGE), (page) => {
            const last = page[page.length - 1]
            return [page, last === undefined || page.length < PAGE ? ("end" as const) : cursorOf(last)] as const
          })
    )

  const searching = <A, E>(role: string, task: Effect.Effect<A, E>) =>
    audited({ operation: "search", address: "", role }, task)

  /** How long it took, of what succeeded. */
  const timed = <A, E>(task: Effect.Effect<A, E>, counter: "stored" | "retrieved"): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const started = state.now()
      return Effect.tap(task, () =>
        Effect.sync(() => {
          counts.add(counter)
          counts.took(counter, state.now() - started)
        })
      )
    })

  return EncryptedStore.of({
    store: Effect.fn("AgeEncryptedStore.store")((text, content, role, contentType) => {
      const task = Effect.flatMap(parse(text), (address) => changing.store(address, content, role, contentType))
      return timed(audited({ operation: "store", address: text, role, contentType }, task, detailOf), "stored")
    }),
    retrieve: Effect.fn("AgeEncryptedStore.retrieve")((text) =>
      timed(audited({ operation: "retrieve", address: text }, retrieve(text), detailOf), "retrieved")
    ),
    retrieveVersion: Effect.fn("AgeEncryptedStore.retrieveVersion")((text, metadataCid) =>
      timed(
        audited({ operation: "retrieve", address: text }, retrieveVersion(text, metadataCid), detailOf),
        "retrieved"
      )
    ),
    history: (text) =>
      Effect.gen(function* () {
        const address = yield* parse(text)
        return { address, ...(yield* versions.newest(address)) }
      }).pipe(
        (newest) => audited({ operation: "retrieve", address: text }, newest, ({ linked }) => detailOf(linked)),
        Effect.map(({ address, linked }) => Stream.map(versions.backwards(address, linked), versionOf)),
        Stream.unwrap
      ),
    remove: Effect.fn("AgeEncryptedStore.remove")((text) =>
      audited({ operation: "delete", address: text }, Effect.flatMap(parse(text), changing.remove))
    ),
    announce: Effect.fn("AgeEncryptedStore.announce")((text) =>
      Effect.asVoid(
        audited({ operation: "announce", address: text }, Effect.flatMap(parse(text), announce), (metadata) =>
          detailOf({ metadata })
        )
      )
    ),
    discover: Effect.fn("AgeEncryptedStore.discover")((text) =>
      audited({ operation: "discover", address: text }, Effect.flatMap(parse(text), discover))
    ),
    share: Effect.fn("AgeEncryptedStore.share")((text, role) => {
      const task = Effect.flatMap(parse(text), (address) => changing.share(address, role))
      return timed(
        audited({ operation: "share", address: text, role }, task, (stored) => ({ ...detailOf(stored), role })),
        "stored"
      )
    }),
    listByRole: Effect.fn("AgeEncryptedStore.listByRole")((role, limit) =>
      searching(
        role,
        pages({ creatorRole: role }, undefined).pipe(
          Stream.flatMap(Stream.fromIterable),
          Stream.take(Math.max(0, Math.trunc(limit))),
          Stream.runCollect
        )
      )
    ),
    search: (criteria) =>
      Stream.unwrap(
        Effect.map(searching(criteria.creatorRole ?? "", index.search(criteria, undefined, PAGE)), (first) => {
          const last = first[first.length - 1]
          const isAll = last === undefined || first.length < PAGE
          const others = isAll ? Stream.empty : pages(criteria, cursorOf(last))
          return Stream.concat(Stream.fromIterable(first), Stream.flatMap(others, Stream.fromIterable))
        })
      ),
    rotate: rotating.rotate,
    stats: Effect.map(index.count, ({ items }) => ({
      stored: counts.stored,
      retrieved: counts.retrieved,
      denied: counts.denied,
      failed: counts.failed,
      cacheHits: counts.cacheHits,
      cacheMisses: counts.cacheMisses,
      encryptions: counts.encryptions,
      decryptions: counts.decryptions,
      cachedItems: cache.size,
      cachedBytes: cache.bytes,
      cacheLimit: cache.limits.bytes,
      meanStore: counts.mean("stored"),
      meanRetrieve: counts.mean("retrieved"),
      indexed: items
    }))
  })
})

/** Needs a network with an authority for anything but an answer that there is none. */
export const layer = (options?: StoreOptions) => Layer.effect(EncryptedStore, make(options))

const cursorOf = ({ address, timestamp }: Cursor): Cursor => ({ timestamp, address })
