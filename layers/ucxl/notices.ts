/**
 * Word of new content: what this node stores it tells to all who hold the same authority, and what others tell it looks
 * at, indexes where it may read it, and forgets what it had in memory of the version before. Best effort: whoever missed
 * it finds the newest version by asking for it.
 *
 * A notice counts for no more than its author: it speaks of his own entry, and he must store for a role.
 */
import { Effect, Option, Queue, Result } from "effect"
import { CLOCK_SKEW } from "#core/identity/PeerBook"
import type { Directory } from "#core/ucxl/Directory"
import { levelOf, storingRoles } from "#core/ucxl/policy"
import { equalBytes } from "#schemas/bytes/bytes"
import type { Cid } from "#schemas/content/Cid"
import type { Topic } from "#schemas/gossip/GossipMessage"
import { didOf, publicKeyOfDid } from "#schemas/identity/PublicKey"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import type { Metadata } from "#schemas/ucxl/Metadata"
import { ANOTHER_VERSION, read, topicPreimage, write } from "#schemas/ucxl/Notice"
import { Gossip, type Received, type Verdict } from "#services/gossip/Gossip"
import type { IndexItem } from "#services/ucxl/ContentIndex"
import { NOTICES_WAITING } from "#services/ucxl/Limits"
import { indexItem } from "./indexItem.ts"
import type { Reading } from "./reading.ts"
import type { StoreState } from "./StoreState.ts"

/** Tells of an own entry; without a CID of its age file, that it was deleted. Waits for nothing. */
export type Tell = (
  address: UcxlAddress,
  seq: number,
  version: { readonly cid?: Cid; readonly metadataCid: Cid }
) => void

const maybe = <A, E, R>(effect: Effect.Effect<Option.Option<A>, E, R>): Effect.Effect<A | undefined, E, R> =>
  Effect.map(effect, Option.getOrUndefined)

export const makeNotices = Effect.fnUntraced(function* (
  state: StoreState,
  reading: Reading,
  latest: () => Directory | undefined
) {
  const { authority } = state.directory
  const gossip = yield* maybe(Effect.serviceOption(Gossip))
  if (authority === undefined || gossip === undefined) return silence
  const topic = state.suite.sha256(topicPreimage(authority)) as Topic

  /** Costs no look-up: a node that has not seen the roles yet passes nothing on. */
  const judge = ({ author, data }: Received): Verdict => {
    const notice = read(data)
    if (Result.isFailure(notice)) return notice.failure === ANOTHER_VERSION ? "ignore" : "reject"
    // Numbers are times: one from the future would make all that its author really stores look older.
    if (notice.success.seq > state.now() + CLOCK_SKEW * 1000) return "ignore"
    const list = latest()
    return list !== undefined && storingRoles(list, author).length > 0 ? "accept" : "ignore"
  }

  const hear = Effect.fnUntraced(
    function* ({ author, data }: Received) {
      const notice = read(data)
      const list = latest()
      if (Result.isFailure(notice) || list === undefined || equalBytes(author, state.self.publicKey)) return
      const { cid, digest, metadataCid, seq } = notice.success
      const metadata = yield* reading.openNamed(metadataCid)
      const isHis = list.isMember(metadata.creatorRole, author) && levelOf(list, author) > 0
      if (!isHis || !equalBytes(state.digestOf(metadata.address), digest)) return state.counts.notice("refused")
      yield* take(metadata, { did: didOf(author), level: levelOf(list, author), seq }, { cid, metadataCid }, list)
    },
    Effect.catch((error) =>
      Effect.sync(() =>
        state.counts.notice(error._tag === "Unreadable" && error.held !== undefined ? "not for us" : "unreadable")
      )
    )
  )

  const take = Effect.fnUntraced(function* (
    metadata: Metadata,
    { did, level, seq }: { readonly did: string; readonly level: number; readonly seq: number },
    { cid, metadataCid }: { readonly cid: Cid | undefined; readonly metadataCid: Cid },
    list: Directory
  ) {
    const { address } = metadata
    const row = yield* state.index.find(address)
    if (row?.author === did && row.seq >= seq) return state.counts.notice("old")
    // A higher role's entry goes on being the one that readers take.
    if (row !== undefined && row.author !== did && !row.deleted && levelOfDid(list, row) > level) {
      return state.counts.notice("outranked")
    }
    const cached = state.cache.peek(address)
    if (cached !== undefined && (cached.author !== did || cached.seq < seq)) state.forget(address)
    if (cid === undefined && row?.author !== did) return state.counts.notice("old")
    const version = { cid: cid ?? metadataCid, metadataCid }
    const item = indexItem(metadata, version, { did, seq, own: false }, "")
    yield* state.index.put({ ...item, deleted: cid === undefined })
    return state.counts.notice(cid === undefined ? "deleted" : "indexed")
  })

  const arrived = yield* maybe(Effect.option(gossip.join(topic, (message) => Effect.succeed(judge(message)))))
  if (arrived === undefined) {
    yield* Effect.logWarning("this node takes part in too many topics to hear of new encrypted content")
    return silence
  }
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(arrived), hear)))

  const waiting = yield* Queue.sliding<Uint8Array>(NOTICES_WAITING)
  const publish = (data: Uint8Array) =>
    Effect.catch(gossip.publish(topic, data), (error) =>
      Effect.logDebug("nobody was told of new encrypted content", { error: error._tag })
    )
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(waiting), publish)))

  const tell: Tell = (address, seq, { cid, metadataCid }) => {
    Queue.offerUnsafe(waiting, write({ cid, metadataCid, seq, digest: state.digestOf(address) }))
  }
  return tell
})

/** Where there is nobody to be told. */
const silence: Tell = () => {}

const levelOfDid = (list: Directory, { author }: IndexItem): number =>
  Result.match(publicKeyOfDid(author), { onFailure: () => 0, onSuccess: (key) => levelOf(list, key) })
