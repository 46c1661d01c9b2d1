/** Makes the cells of one try: an envelope's parts for a path, with reply blocks for another path that leads back. */
import { Clock, Effect, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { buildRequest, type Hop, type Outgoing } from "#core/onion/buildRequest"
import type { CellPlan } from "#core/onion/cellPlan"
import { hopAddress, hopOf } from "#core/onion/hops"
import { minuteOf, REPLY_MINUTES, REQUEST_MINUTES, ttlOf } from "#core/onion/minutes"
import { makeReplyBlock, type OwnReplyBlock, type ReplyKeys } from "#core/onion/replyBlock"
import type { MessageId } from "#schemas/router/InnerEnvelope"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { MixPolicy } from "#services/onion/MixPolicy"
import { OnionCells } from "#services/onion/OnionCells"
import type { Route } from "#services/router/RouteTable"
import { SessionManager } from "#services/session/SessionManager"

export interface Built {
  /** One a part. */
  readonly cells: ReadonlyArray<Outgoing>
  /** What opens the answers, and the minute in which the blocks die. */
  readonly keys: ReadonlyArray<ReplyKeys>
  readonly death: number
  /** Milliseconds for which the hops were asked to hold a cell, there and back. */
  readonly held: number
}

/** The key of whoever's record has an onion key that agrees on nothing. */
export interface Unusable {
  readonly culprit: string
}

export interface Building {
  readonly build: (
    messageId: MessageId,
    plan: CellPlan,
    to: Contact,
    route: Route,
    back: Route
  ) => Result.Result<Built, Unusable>
  /** A cell that says nothing and comes back to this node. */
  readonly loop: (relays: ReadonlyArray<Contact>) => Result.Result<Outgoing, Unusable>
  /** Where relays find this node, if they do. */
  readonly hasAddress: () => boolean
}

/** A header has 16 bits for a delay. */
const LONGEST_DELAY = 65_535
const MESSAGE_ID_BYTES = 16
const NOTHING = new Uint8Array(0)

export const makeBuilding = Effect.gen(function* () {
  const [suite, random, clock] = [yield* Crypto, yield* SecureRandom, yield* Clock.Clock]
  const [{ local, onionKeys }, sessions, { ephemerals }] = [yield* Identity, yield* SessionManager, yield* OnionCells]
  const { hopDelay } = yield* MixPolicy
  const draw = random.bytes

  /** Exponential, so that of two cells which arrive together none leaves first more likely than the other. */
  const delay = (): number => {
    if (hopDelay === 0) return 0
    const uniform = new DataView(draw(4).buffer).getUint32(0) / 2 ** 32
    return Math.min(LONGEST_DELAY, Math.round(-hopDelay * Math.log(1 - uniform)))
  }

  const relayHops = (relays: ReadonlyArray<Contact>): ReadonlyArray<Hop> =>
    relays.map((relay) => hopOf(relay, local, delay()))

  const ownAddress = () => hopAddress(sessions.self(), local)

  /** Its key is that of now: the record may show it a moment later. */
  const ownHop = (): Hop => {
    const [{ nodeId }, address] = [sessions.self(), ownAddress()]
    const hop = { nodeId, onion: onionKeys.current.publicKey }
    return address === undefined ? hop : { ...hop, address }
  }

  const held = (hops: ReadonlyArray<Hop>): number => hops.reduce((sum, hop) => sum + (hop.delay ?? 0), 0)
  const culpritOf = (contacts: ReadonlyArray<Contact>, hop: number): Unusable => ({
    culprit: contacts[hop]?.key ?? sessions.self().key
  })
  const minute = () => minuteOf(clock.currentTimeMillisUnsafe() / 1000)

  const build: Building["build"] = (messageId, { blocks, cellClass, pieces }, to, route, back) => {
    const [there, returning] = [
      [...relayHops(route.relays), hopOf(to, local)],
      [...relayHops(back.relays), ownHop()]
    ]
    const [now, keys, cells] = [minute(), [] as Array<ReplyKeys>, [] as Array<Outgoing>]
    const [ttl, death] = [ttlOf(now + REQUEST_MINUTES), now + REPLY_MINUTES]
    for (const [part, piece] of pieces.entries()) {
      const own: Array<OwnReplyBlock> = []
      while (own.length < blocks[part]!) {
        const taken = ephemerals.take(returning.length)
        const block = makeReplyBlock(suite, draw, { path: returning, ephemerals: taken, cellClass, ttl: ttlOf(death) })
        if (Result.isFailure(block)) return Result.fail(culpritOf(back.relays, block.failure.hop))
        own.push(block.success)
        keys.push(block.success.keys)
      }
      const payload = { messageId, part, parts: pieces.length, piece, blocks: own.map(({ block }) => block) }
      const request = { path: there, ephemerals: ephemerals.take(there.length), cellClass, ttl, payload }
      const cell = buildRequest(suite, draw, request)
      if (Result.isFailure(cell)) return Result.fail(culpritOf([...route.relays, to], cell.failure.hop))
      cells.push(cell.success)
    }
    return Result.succeed({ cells, keys, death, held: held(there) + held(returning) })
  }

  const loop: Building["loop"] = (relays) => {
    const path = [...relayHops(relays), ownHop()]
    const payload = { messageId: draw(MESSAGE_ID_BYTES) as MessageId, part: 0, parts: 1, piece: NOTHING, blocks: [] }
    const [taken, ttl] = [ephemerals.take(path.length), ttlOf(minute() + REQUEST_MINUTES)]
    return Result.mapError(
      buildRequest(suite, draw, { path, ephemerals: taken, cellClass: 0, ttl, payload }),
      ({ hop }) => culpritOf(relays, hop)
    )
  }

  return { build, loop, hasAddress: () => ownAddress() !== undefined } satisfies Building
})
