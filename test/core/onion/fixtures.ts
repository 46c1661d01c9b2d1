/** A few nodes with onion keys, paths over them, and cells that go their way. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import type { AgreementKey } from "#core/identity/Suite"
import { seededBytes } from "#core/identity/seededBytes"
import { buildRequest, type Hop, type Outgoing, type Request } from "#core/onion/buildRequest"
import { minuteOf, ttlOf } from "#core/onion/minutes"
import { type DropReason, type Peeled, peel } from "#core/onion/peel"
import { ReplaySet } from "#core/onion/ReplaySet"
import { makeReplyBlock, type OwnReplyBlock } from "#core/onion/replyBlock"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { hexOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import type { CellClass } from "#schemas/onion/OnionCell"
import type { OnionPayloadFields } from "#schemas/onion/OnionPayload"
import { acknowledgement, type InnerEnvelopeFields, type MessageId, write } from "#schemas/router/InnerEnvelope"

export const { suite } = NodeCrypto

/** In the middle of a minute. */
export const NOW = 1_767_225_630
export const minute = minuteOf(NOW)

export interface OnionNode extends Hop {
  readonly key: AgreementKey
  readonly secret: Uint8Array
  replays: ReplaySet
}

export const makeWorld = (seed: string) => {
  const draw = seededBytes(suite, seed)
  const key = () => suite.agreementKey(draw(32))
  const keys = (count: number): ReadonlyArray<AgreementKey> => Array.from({ length: count }, key)

  const node = (index: number): OnionNode => {
    const secret = draw(32)
    const onionKey = suite.agreementKey(secret)
    const address = { transport: "tcp", ip: Uint8Array.of(10, index, 0, 1), port: 4_150 + index } as const
    const replays = new ReplaySet(draw(16), 1_000)
    return { nodeId: draw(32) as NodeId, address, onion: onionKey.publicKey, key: onionKey, secret, replays }
  }
  const nodes = (count: number): ReadonlyArray<OnionNode> =>
    Array.from({ length: count }, (_, index) => node(index + 1))

  const envelope: InnerEnvelopeFields = { type: "RPC", body: draw(40) }
  const payloadOf = (fields: Partial<OnionPayloadFields> = {}): OnionPayloadFields => ({
    messageId: draw(16) as MessageId,
    part: 0,
    parts: 1,
    piece: write(envelope),
    blocks: [],
    ...fields
  })

  const request = (path: ReadonlyArray<Hop>, fields: Partial<Request> = {}): Outgoing =>
    Result.getOrThrow(
      buildRequest(suite, draw, {
        path,
        ephemerals: keys(path.length),
        cellClass: 0,
        ttl: ttlOf(minute + 4),
        payload: payloadOf(),
        ...fields
      })
    )

  const replyBlock = (path: ReadonlyArray<Hop>, cellClass: CellClass = 0, ttl = ttlOf(minute + 10)): OwnReplyBlock =>
    Result.getOrThrow(makeReplyBlock(suite, draw, { path, ephemerals: keys(path.length), cellClass, ttl }))

  return { draw, key, keys, node, nodes, envelope, payloadOf, request, replyBlock }
}

export type World = ReturnType<typeof makeWorld>

export const peelAt = (node: OnionNode, cell: Uint8Array, now = NOW): Peeled =>
  peel(suite, { keys: [node.key], replays: node.replays }, cell, now)

/** At a node that has seen nothing yet. */
export const peelFresh = (node: OnionNode, cell: Uint8Array, now = NOW): Peeled =>
  peel(suite, { keys: [node.key], replays: new ReplaySet(new Uint8Array(16), 10) }, cell, now)

export const reasonOf = (peeled: Peeled): DropReason | undefined => (peeled._tag === "Drop" ? peeled.reason : undefined)

/** The cell on each link of its way, and what the last node makes of it. Each node must name the next one. */
export const travel = (path: ReadonlyArray<OnionNode>, { cell, to }: Outgoing) => {
  const links: Array<Uint8Array> = []
  let [current, next] = [cell, to]
  for (const [index, node] of path.entries()) {
    assert.strictEqual(hexOf(next.nodeId), hexOf(node.nodeId))
    assert.deepStrictEqual(next.address, node.address)
    links.push(current)
    const peeled = peelAt(node, current)
    if (index === path.length - 1) return { links, last: peeled }
    assert.strictEqual(peeled._tag, "Forward", `hop ${index}: ${reasonOf(peeled)}`)
    if (peeled._tag === "Forward") [current, next] = [peeled.cell, peeled.next]
  }
  throw new Error("a path has an end")
}

export const changed = (bytes: Uint8Array, at: number, by = 1): Uint8Array => {
  const copy = bytes.slice()
  copy[at] = copy[at]! ^ by
  return copy
}

export const ack = (messageId: MessageId) => write(acknowledgement(messageId))

/** Fails where two of these have 32 bytes in a row in common, at whatever place. */
export const shareNothing = (cells: ReadonlyArray<Uint8Array>): void => {
  const seen = new Map<string, number>()
  for (const [index, cell] of cells.entries()) {
    const text = String.fromCharCode(...cell)
    for (let at = 0; at + 32 <= text.length; at++) {
      const window = text.slice(at, at + 32)
      assert.strictEqual(seen.get(window) ?? index, index, `links ${seen.get(window)} and ${index} share 32 bytes`)
      seen.set(window, index)
    }
  }
}
