/**
 * A relay at work: cells of class 0 come over one Noise session and leave over another, on loopback TCP, with the nodes at
 * both ends in this process, too. Beside it the X25519 agreements that the same core makes in the same run, of which each
 * cell needs one. One JSON line a figure.
 *
 *   relay.rate   cells forwarded a second, so many in flight; nothing may be lost
 *   relay.seq    the time from one end to the other, one cell at a time
 */
import { performance } from "node:perf_hooks"
import { Context, Effect, Exit, Layer, Result, Scope } from "effect"
import { buildRequest, type Hop } from "#core/onion/buildRequest"
import { minuteOf, ttlOf } from "#core/onion/minutes"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as RelayedCells from "#layers/onion/RelayedCells"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import * as TcpTransport from "#layers/transport/TcpTransport"
import { ONION_RELAY } from "#schemas/identity/PeerRecord"
import type { MessageId } from "#schemas/router/InnerEnvelope"
import { FrameType } from "#schemas/session/Frame"
import { parseAddress } from "#schemas/transport/Address"
import { Identity } from "#services/identity/Identity"
import { OnionCells } from "#services/onion/OnionCells"
import { SessionManager } from "#services/session/SessionManager"
import { emit, median, percentile } from "./lib.ts"

const CELLS = 8_192
const IN_FLIGHT = 64
const ONE_BY_ONE = 1_000
const REPS = 7
/** Milliseconds of agreements before each repetition. */
const AGREEING = 150

const { suite } = NodeCrypto
const draw = NodeRandom.make().bytes

const startNode = Effect.gen(function* () {
  const identity = KeyStoreIdentity.layer({ network: "main", local: true }).pipe(
    Layer.provide(MemoryKeyStore.layer),
    Layer.provideMerge(NodeRandom.layer),
    Layer.provideMerge(NodeCrypto.layer)
  )
  const listen = [Result.getOrThrow(parseAddress("/ip4/127.0.0.1/tcp/0"))]
  const services = yield* Layer.build(
    NoiseSessions.layer({ listen, capabilities: ONION_RELAY }).pipe(
      Layer.provideMerge(RacingTransportManager.layer.pipe(Layer.provide(TcpTransport.layer))),
      Layer.provideMerge(VerifiedPeers.layer),
      Layer.provideMerge(identity)
    )
  )
  const [manager, own] = [Context.get(services, SessionManager), Context.get(services, Identity)]
  const hop: Hop = { nodeId: own.nodeId, onion: own.onionKeys.current.publicKey }
  return { services, manager, hop, target: { nodeId: own.nodeId, addresses: manager.listening(), trusted: true } }
})

/** Over the relay to the far end, which does not open them. */
const cellsFor = (path: ReadonlyArray<Hop>, count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, () => {
    const ephemerals = path.map(() => suite.agreementKey(draw(32)))
    const payload = { messageId: draw(16) as MessageId, part: 0, parts: 1, piece: draw(1_024), blocks: [] }
    const ttl = ttlOf(minuteOf(Date.now() / 1_000) + 4)
    return Result.getOrThrow(buildRequest(suite, draw, { path, ephemerals, cellClass: 0, ttl, payload })).cell
  })

const [one, other] = [suite.agreementKey(draw(32)), suite.agreementKey(draw(32))]

/** Microseconds of processor time that an agreement takes now. */
const agreement = (): number => {
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  let count = 0
  for (; performance.now() - start < AGREEING; count++) one.agree(other.publicKey)
  const { system, user } = process.cpuUsage(cpu)
  return (user + system) / count
}

const main = Effect.gen(function* () {
  const [near, relay, far] = [yield* startNode, yield* startNode, yield* startNode]
  const session = yield* near.manager.connect(relay.target)
  yield* relay.manager.connect(far.target)
  let arrived = () => {}
  yield* far.manager.onFrame(FrameType.ONION, () => {
    arrived()
    return true
  })

  /** Sends these with so many in flight, over a relay that has seen none of them; answers when each one arrived. */
  const carry = Effect.fnUntraced(function* (cells: ReadonlyArray<Uint8Array>, inFlight: number) {
    const scope = yield* Scope.make()
    const layer = RelayedCells.layer.pipe(Layer.provide(Layer.succeedContext(relay.services)))
    const relayed = Context.get(yield* Layer.buildWithScope(layer, scope), OnionCells)
    const times: Array<number> = []
    yield* Effect.promise(
      () =>
        new Promise<void>((resolve) => {
          let sent = 0
          const fill = () => {
            while (sent < cells.length && sent - times.length < inFlight) session.offer(FrameType.ONION, cells[sent++]!)
          }
          arrived = () => {
            if (times.push(performance.now()) === cells.length) resolve()
            else fill()
          }
          fill()
        })
    )
    const { dropped, forwarded } = relayed.stats()
    if (forwarded !== cells.length) throw new Error(`${forwarded} of ${cells.length}: ${JSON.stringify(dropped)}`)
    yield* Scope.close(scope, Exit.void)
    return times
  })

  const rates: Array<{ readonly rate: number; readonly cpu: number; readonly agreement: number }> = []
  const latencies: Array<ReadonlyArray<number>> = []
  for (let rep = -1; rep < REPS; rep++) {
    const cells = cellsFor([relay.hop, far.hop], CELLS)
    const agreeing = agreement()
    const [before, start] = [process.cpuUsage(), performance.now()]
    yield* carry(cells, IN_FLIGHT)
    const [{ system, user }, seconds] = [process.cpuUsage(before), (performance.now() - start) / 1e3]
    const begun = performance.now()
    const times = yield* carry(cells.slice(0, ONE_BY_ONE), 1)
    if (rep < 0) continue // the first round warms up
    rates.push({ rate: CELLS / seconds, cpu: (user + system) / CELLS, agreement: agreeing })
    latencies.push(times.map((time, index) => (time - (times[index - 1] ?? begun)) * 1e3))
  }
  emit(
    "onion.relay.rate",
    "op/s",
    rates.map(({ rate }) => rate),
    {
      in_flight: IN_FLIGHT,
      cpu_us_per_op: median(rates.map(({ cpu }) => cpu)),
      agreements: 1,
      agreement_us: median(rates.map((it) => it.agreement)),
      agreement_share: median(rates.map((it) => it.agreement / it.cpu))
    }
  )
  for (const share of [0.5, 0.99]) {
    emit(
      `onion.relay.seq.p${share * 100}`,
      "us",
      latencies.map((all) => percentile(all, share))
    )
  }
})
Effect.runPromise(Effect.scoped(main)).then(() => process.exit(0))
