/** Nodes that gossip over memory, and peers that say what a test tells them to. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Queue, Random, Result } from "effect"
import { signArray } from "#core/identity/signature"
import * as MeshGossip from "#layers/gossip/MeshGossip"
import * as NodeBounds from "#layers/node/NodeBounds"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as GossipFrame from "#schemas/gossip/GossipFrame"
import * as GossipMessage from "#schemas/gossip/GossipMessage"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { FrameType } from "#schemas/session/Frame"
import { Gossip, type Received, type Validator, type Verdict } from "#services/gossip/Gossip"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { makeWorld, type SessionsLayer, settle, startNode, type TestNode } from "../../laws/sessionWorld.ts"

export const world = makeWorld(NoiseSessions.layer as SessionsLayer)

let port = 0

const started = (seed: string) => startNode(world, { seed, at: `/memory/${++port}` })

/** A node that gossips. */
export const gossiper = Effect.fnUntraced(function* (seed: string, tempo: Layer.Layer<never> = Layer.empty) {
  const node = yield* started(seed)
  const services = yield* Layer.build(
    MeshGossip.layer.pipe(
      Layer.provideMerge(NodeBounds.layer),
      Layer.provide([tempo, Layer.succeedContext(node.services)])
    )
  ).pipe(Random.withSeed(seed))
  return { ...node, gossip: Context.get(services, Gossip), bounds: Context.get(services, Bounds) }
})

export type Gossiper = Effect.Success<ReturnType<typeof gossiper>>

/** A peer without gossip of its own: `say` sends a frame, `heard` are the frames that came. */
export const stranger = Effect.fnUntraced(function* (seed: string, to: TestNode) {
  const node = yield* started(seed)
  const heard: Array<GossipFrame.GossipFrameFields> = []
  yield* node.manager.onFrame(FrameType.GOSSIP, (_, payload) => {
    heard.push(Result.getOrThrow(GossipFrame.read(new Uint8Array(payload))))
    return true
  })
  const session = yield* node.manager.connect(to.target)
  yield* settle
  const say = (frame: Partial<GossipFrame.GossipFrameFields>) =>
    session.offer(FrameType.GOSSIP, GossipFrame.write(frame))
  return { ...node, heard, session, say }
})

export const connected = Effect.fnUntraced(function* (...pairs: ReadonlyArray<readonly [TestNode, TestNode]>) {
  for (const [from, to] of pairs) yield* from.manager.connect(to.target)
  yield* settle
})

export const topicOf = (n: number) => new Uint8Array(32).fill(n) as GossipMessage.Topic

export const always =
  (verdict: Verdict): Validator =>
  () =>
    Effect.succeed(verdict)

/** A message as this node would sign it. */
export const signed = (
  node: { readonly services: Context.Context<Identity> },
  fields: { readonly topic: GossipMessage.Topic; readonly issued: number; readonly data: Uint8Array }
): Uint8Array => {
  const { networkId, signing } = Context.get(node.services, Identity)
  const message = { ...fields, author: signing.publicKey as PublicKey }
  const signature = signArray(signing, GossipMessage.LABEL, networkId, GossipMessage.unsigned(message))
  return GossipMessage.write({ ...message, signature })
}

/** The first byte of every message that waits. */
export const taken = (queue: Queue.Dequeue<Received>) =>
  Effect.map(Queue.clear(queue), (all) => all.map(({ data }) => data[0]))

/** Every collection is within its limit. */
export const assertBounded = ({ bounds }: Gossiper): void => {
  assert.isAtLeast(bounds.list().length, 12)
  for (const { limit, name, size } of bounds.list()) assert.isAtMost(size(), limit, name)
}
