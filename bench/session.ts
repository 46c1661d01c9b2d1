/** Sessions over loopback TCP, both ends in this process: handshakes, echoes, bulk, memory. One JSON line a figure. */
import { parseArgs } from "node:util"
import { Context, Effect, Exit, Layer, Result, Scope } from "effect"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import * as TcpTransport from "#layers/transport/TcpTransport"
import { FrameType, INNER_LIMIT } from "#schemas/session/Frame"
import { parseAddress } from "#schemas/transport/Address"
import { type Session, SessionManager } from "#services/session/SessionManager"

const { values: args } = parseArgs({
  options: {
    ms: { type: "string", default: "1500" },
    reps: { type: "string", default: "5" },
    mib: { type: "string", default: "256" },
    only: { type: "string", default: "" }
  }
})
const [ms, reps, mib] = [Number(args.ms), Number(args.reps), Number(args.mib)]
const wanted = (name: string) => args.only === "" || args.only.split(",").includes(name)

const sorted = (numbers: ReadonlyArray<number>) => [...numbers].sort((a, b) => a - b)
const median = (numbers: ReadonlyArray<number>) => sorted(numbers)[numbers.length >> 1] ?? Number.NaN
const round = (value: number) => Number(value.toPrecision(4))

interface Measured {
  readonly ops: number
  readonly wall: number
  readonly cpu: number
}

const timed = async (work: () => Promise<number>): Promise<Measured> => {
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  const ops = await work()
  const used = process.cpuUsage(cpu)
  return { ops, wall: (performance.now() - start) / 1000, cpu: (used.user + used.system) / 1e6 }
}

const emit = (figure: string, unit: string, values: ReadonlyArray<number>, extra: Record<string, number> = {}) => {
  const [min, middle, max] = [Math.min(...values), median(values), Math.max(...values)].map(round)
  console.log(JSON.stringify({ peer: "allium", figure, unit, min, median: middle, max, reps: values.length, ...extra }))
}

const emitRate = (figure: string, measured: ReadonlyArray<Measured>) =>
  emit(
    figure,
    "op/s",
    measured.map((it) => it.ops / it.wall),
    {
      cpu_us_per_op: round(median(measured.map((it) => (it.cpu / it.ops) * 1e6))),
      cpu_share: round(median(measured.map((it) => it.cpu / it.wall)))
    }
  )

/** `width` workers, each one operation at a time. */
const concurrently = (operation: () => Promise<unknown>, width: number, millis: number) =>
  timed(async () => {
    const end = performance.now() + millis
    let done = 0
    await Promise.all(
      Array.from({ length: width }, async () => {
        while (performance.now() < end) {
          await operation()
          done++
        }
      })
    )
    return done
  })

const node = Effect.fnUntraced(function* (listen: ReadonlyArray<string>) {
  const identity = KeyStoreIdentity.layer({ network: "main", local: true }).pipe(
    Layer.provide(MemoryKeyStore.layer),
    Layer.provideMerge(NodeRandom.layer),
    Layer.provideMerge(NodeCrypto.layer)
  )
  const layer = NoiseSessions.layer({
    listen: listen.map((text) => Result.getOrThrow(parseAddress(text))),
    sessionsMax: 100_000
  }).pipe(
    Layer.provide(RacingTransportManager.layer.pipe(Layer.provide(TcpTransport.layer))),
    Layer.provide(VerifiedPeers.layer),
    Layer.provide(identity)
  )
  return Context.get(yield* Layer.build(layer), SessionManager)
})

const rates = async (figure: string, operation: () => Promise<unknown>, widths: ReadonlyArray<number>) => {
  for (const width of widths) await concurrently(operation, width, ms / 2)
  for (const width of widths) {
    const measured: Array<Measured> = []
    for (let rep = 0; rep < reps; rep++) measured.push(await concurrently(operation, width, ms))
    emitRate(width === 1 ? `${figure}.seq.rate` : `${figure}.x${width}.rate`, measured)
  }
}

/** Dial, mutual identity, close. */
const handshakes = Effect.fnUntraced(function* () {
  const server = yield* node(["/ip4/127.0.0.1/tcp/0"])
  const target = { nodeId: server.self().nodeId, addresses: server.listening(), trusted: true }
  const clients = yield* Effect.all(Array.from({ length: 16 }, () => node([])))
  let turn = 0
  const one = () => {
    const client = clients[turn++ % clients.length] ?? server
    return Effect.runPromise(Effect.flatMap(client.connect(target), (session) => session.close("leaving")))
  }
  yield* Effect.promise(() => rates("handshake", one, [1, 16]))
})

const echoes = Effect.fnUntraced(function* () {
  const [server, client] = [yield* node(["/ip4/127.0.0.1/tcp/0"]), yield* node([])]
  yield* server.onFrame(FrameType.RPC_REQ, (session, payload) => session.offer(FrameType.RPC_RES, payload))
  const waiting: Array<() => void> = []
  yield* client.onFrame(FrameType.RPC_RES, () => {
    waiting.shift()?.()
    return true
  })
  const session = yield* client.connect({ nodeId: server.self().nodeId, addresses: server.listening(), trusted: true })
  const payload = new Uint8Array(64).fill(7)
  const one = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve)
      session.offer(FrameType.RPC_REQ, payload)
    })
  yield* Effect.promise(() => rates("echo", one, [1, 32]))
})

const bulk = Effect.fnUntraced(function* () {
  const [server, client] = [yield* node(["/ip4/127.0.0.1/tcp/0"]), yield* node([])]
  const session = yield* client.connect({ nodeId: server.self().nodeId, addresses: server.listening(), trusted: true })
  const total = Math.floor((mib * 1024 * 1024) / INNER_LIMIT)
  let [got, done] = [0, () => {}]
  yield* server.onFrame(FrameType.DHT_RES, () => {
    if (++got === total) done()
    return true
  })
  const chunk = new Uint8Array(INNER_LIMIT).fill(9)
  const send = () =>
    timed(async () => {
      got = 0
      const arrived = new Promise<void>((resolve) => {
        done = resolve
      })
      await Effect.runPromise(
        Effect.gen(function* () {
          for (let i = 0; i < total; i++) {
            if (!session.offer(FrameType.DHT_RES, chunk)) yield* session.send(FrameType.DHT_RES, chunk)
          }
        })
      )
      await arrived
      return total * INNER_LIMIT
    })
  const measured: Array<Measured> = []
  yield* Effect.promise(send)
  for (let rep = 0; rep < reps; rep++) measured.push(yield* Effect.promise(send))
  emit(
    "bulk",
    "MB/s",
    measured.map((it) => it.ops / 1e6 / it.wall),
    { mib, cpu_ms_per_mib: round(median(measured.map((it) => (it.cpu * 1e3) / (it.ops / 2 ** 20)))) }
  )
})

/** RSS and heap that an idle session costs, an end. */
const memory = Effect.fnUntraced(function* () {
  const server = yield* node(["/ip4/127.0.0.1/tcp/0"])
  const target = { nodeId: server.self().nodeId, addresses: server.listening(), trusted: true }
  const count = 200
  const clients = yield* Effect.all(Array.from({ length: count }, () => node([])))
  const collect = () => {
    globalThis.gc?.()
    globalThis.gc?.()
    return process.memoryUsage()
  }
  const warm: Array<Session> = []
  for (const client of clients) warm.push(yield* client.connect(target))
  yield* Effect.forEach(warm, (session) => session.close("leaving"))
  yield* Effect.sleep("300 millis")
  const before = collect()
  for (const client of clients) yield* client.connect(target)
  yield* Effect.sleep("300 millis")
  const after = collect()
  const each = (key: "rss" | "heapUsed" | "external") => (after[key] - before[key]) / (2 * count) / 1024
  emit("session.memory", "KiB/end", [each("heapUsed") + each("external")], {
    heap: round(each("heapUsed")),
    external: round(each("external")),
    rss: round(each("rss"))
  })
})

const main = Effect.gen(function* () {
  const figures = { handshake: handshakes, echo: echoes, bulk, memory }
  for (const [name, figure] of Object.entries(figures)) {
    if (!wanted(name)) continue
    const scope = yield* Scope.make()
    yield* figure().pipe(Scope.provide(scope))
    yield* Scope.close(scope, Exit.void)
  }
})
Effect.runPromise(Effect.orDie(main)).then(() => process.exit(0))
