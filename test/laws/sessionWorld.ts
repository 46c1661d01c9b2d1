/** Nodes in one process for the laws of sessions: each with keys and sessions of its own, over a hub they share. */
import { Context, Effect, Exit, Layer, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import type { SessionOptions } from "#layers/session/makeSessions"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import type { FrameType } from "#schemas/session/Frame"
import { type Address, parseAddress } from "#schemas/transport/Address"
import type { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import type { KnownPeers } from "#services/identity/KnownPeers"
import type { SecureRandom } from "#services/identity/SecureRandom"
import { type Session, SessionManager } from "#services/session/SessionManager"
import { type Connection, type Transport, Transports } from "#services/transport/Transport"
import type { TransportManager } from "#services/transport/TransportManager"

export type SessionsLayer = (
  options: SessionOptions
) => Layer.Layer<SessionManager, unknown, Crypto | Identity | SecureRandom | KnownPeers | TransportManager>

export interface NodeOptions extends Partial<SessionOptions> {
  /** Keys and boot come from it. */
  readonly seed: string
  /** Of the key store alone, to let a node start again as itself. */
  readonly keys?: string
  readonly network?: string
  readonly at?: string
  readonly open?: boolean
}

export interface World {
  readonly sessions: SessionsLayer
  /** The wire between two nodes: what is written while it is cut never arrives, and nobody is told. */
  cut: boolean
  /** What was written, message by message. */
  written: number
  /** Replaces what goes over the wire. */
  tamper: ((message: Uint8Array) => Uint8Array) | undefined
}

export const makeWorld = (sessions: SessionsLayer): World => ({ sessions, cut: false, written: 0, tamper: undefined })

export const at = (text: string): Address => Result.getOrThrow(parseAddress(text))

const meddling = (world: World, connection: Connection): Connection => ({
  address: connection.address,
  dialled: connection.dialled,
  read: (reader) => connection.read(reader),
  rest: () => connection.rest(),
  drained: connection.drained,
  finish: () => connection.finish(),
  abort: () => connection.abort(),
  write: (parts) => {
    if (world.cut) return true
    world.written++
    return connection.write(world.tamper === undefined ? parts : [world.tamper(Buffer.concat(parts))])
  }
})

const transports = (world: World) =>
  Layer.effect(
    Transports,
    Effect.map(
      MemoryTransport.make,
      (memory): ReadonlyArray<Transport> => [
        {
          ...memory,
          dial: (address, done) => memory.dial(address, (it) => done(Result.map(it, (it) => meddling(world, it)))),
          listen: (address, handle) => memory.listen(address, (it) => handle(meddling(world, it)))
        }
      ]
    )
  )

/** A running node, in the caller's scope. */
export const startNode = Effect.fnUntraced(function* (world: World, options: NodeOptions) {
  const settings = { network: options.network ?? "main", local: options.open !== true }
  const identity = KeyStoreIdentity.layer(
    settings.local && options.network !== undefined ? { network: options.network, local: false } : settings
  ).pipe(
    Layer.provide(MemoryKeyStore.layer.pipe(Layer.provide(SeededRandom.layer(options.keys ?? options.seed)))),
    Layer.provideMerge(SeededRandom.layer(`${options.seed} random`))
  )
  const layer = world
    .sessions({
      listen: options.at === undefined ? [] : [at(options.at)],
      ...(options.agent === undefined ? {} : { agent: options.agent }),
      ...(options.sessionsMax === undefined ? {} : { sessionsMax: options.sessionsMax })
    })
    .pipe(
      Layer.provideMerge(RacingTransportManager.layer.pipe(Layer.provide(transports(world)))),
      Layer.provideMerge(VerifiedPeers.layer),
      Layer.provideMerge(identity),
      Layer.provideMerge(NodeCrypto.layer)
    )
  const scope = yield* Scope.fork(yield* Scope.Scope)
  const services = yield* Layer.buildWithScope(layer, scope)
  const manager = Context.get(services, SessionManager)
  const { nodeId } = Context.get(services, Identity)
  return {
    manager,
    nodeId,
    /** For what stands above sessions. */
    services,
    key: manager.self().key,
    target: { nodeId, addresses: manager.listening(), trusted: true },
    stop: Scope.close(scope, Exit.void)
  }
})

export type TestNode = Effect.Success<ReturnType<typeof startNode>>

/** Keeps everything of this type that comes. */
export const inbox = Effect.fnUntraced(function* (node: TestNode, type: FrameType) {
  const got: Array<Uint8Array> = []
  yield* node.manager.onFrame(type, (_: Session, payload) => got.push(payload) > 0)
  return got
})

/** Lets everything happen that needs no time: fibers and deliveries take turns. */
export const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 12; turn++) yield* Effect.yieldNow
})

/** Time passes second by second, and everything that each second brings happens in it. */
export const pass = Effect.fnUntraced(function* (seconds: number) {
  for (let second = 0; second < seconds; second++) {
    yield* TestClock.adjust("1 second")
    yield* settle
  }
})
