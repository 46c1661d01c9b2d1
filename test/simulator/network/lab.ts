/** A few machines on a simulated wire, each with a program that runs, for tests of the network alone. */
import { Deferred, Effect } from "effect"
import type { LinkProfile } from "#schemas/simulation/Plan"
import type { Connection } from "#services/transport/Transport"
import type { Host } from "#simulator/network/Host"
import type { NatKind } from "#simulator/network/Nat"
import { Network } from "#simulator/network/Network"
import { Wire } from "#simulator/network/Wire"
import { Trace } from "#simulator/Trace"
import { Process } from "#simulator/time/Process"
import type { VirtualTime } from "#simulator/time/VirtualTime"
import { dial as dialIn, listen as listenIn, receive } from "../../laws/connections.ts"
import { message } from "../../laws/transport.ts"

export const LATENCY = 50
export const PORT = 4001

const quiet: LinkProfile = {
  latency: LATENCY,
  spread: 0,
  jitter: 0,
  bandwidth: 1e9,
  loss: 0,
  duplication: 0,
  reordering: 0
}

export const boot = (network: Network, host: Host): void => {
  host.process = new Process(network.time)
  host.up = true
}

/** What a machine leaves behind whose program dies, or that loses power. */
export const crash = (host: Host, power: boolean): void => {
  host.process?.die()
  for (const end of [...host.ends]) power ? host.ends.delete(end) : end.reset("reset")
  host.listeners.clear()
  host.process = undefined
  host.up = !power
}

export const makeLab = (time: VirtualTime, nats: ReadonlyArray<NatKind>, link: Partial<LinkProfile> = {}) => {
  const network = new Network(time, new Wire({ ...quiet, ...link }, 1), new Trace(() => time.now))
  const hosts = nats.map((nat) => network.addHost(nat))
  for (const host of hosts) boot(network, host)
  const host = (n: number): Host => {
    const found = hosts[n]
    if (found === undefined) throw new RangeError(`there is no machine ${n}`)
    return found
  }
  const addressOf = (n: number, port = PORT) => network.addressAt(host(n).address, port)
  const dial = (from: number, to: number, port = PORT) => dialIn(network.transportOf(host(from)), addressOf(to, port))
  /** Every connection that comes is handed over and stays open. */
  const listen = (n: number, onOpen: (connection: Connection) => void = () => {}) =>
    listenIn(network.transportOf(host(n)), addressOf(n), (it) =>
      Effect.andThen(
        Effect.sync(() => onOpen(it)),
        Effect.never
      )
    )
  /** Both ends of a connection. */
  const pair = Effect.fnUntraced(function* (from: number, to: number) {
    const accepted = Deferred.makeUnsafe<Connection>()
    yield* listen(to, (it) => Deferred.doneUnsafe(accepted, Effect.succeed(it)))
    const near = yield* dial(from, to)
    return { near, far: yield* Deferred.await(accepted) }
  })
  return { network, host, dial, listen, pair }
}

export const say = (connection: Connection, n: number, length = 100): boolean => connection.write([message(length, n)])

/** The marks of the next `count` messages. */
export const hear = Effect.fnUntraced(function* (connection: Connection, count: number) {
  const marks: Array<number | undefined> = []
  while (marks.length < count) marks.push(...(yield* receive(connection)).map((frame) => frame[8]))
  return marks
})

/** Reads to the end; why it came. */
export const untilEnd = (connection: Connection) =>
  Effect.map(Effect.flip(Effect.forever(receive(connection))), (closed) => closed.reason)
