/** Dials the way of "happy eyeballs" (RFC 8305): addresses one after the other, overlapping; the first that answers wins. */
import { Deferred, Effect, Exit, Layer, Scope } from "effect"
import type { Address } from "#schemas/transport/Address"
import { isPrivate } from "#schemas/transport/isPrivate"
import { DialDeadline, RaceStagger } from "#services/transport/Schedules"
import { DialFailed, ListenFailed, Transports } from "#services/transport/Transport"
import { TransportManager } from "#services/transport/TransportManager"
import { makeSharedDeadline } from "./sharedDeadline.ts"

/** Addresses of one peer that are tried: enough for IPv4, IPv6 and one more, too few to aim a flood with one record. */
const RACERS = 3

const failed = (address: Address | undefined, reason: DialFailed["reason"]) =>
  new DialFailed({ address: address?.text ?? "", reason })

export const make = Effect.gen(function* () {
  const [transports, stagger] = [yield* Transports, yield* RaceStagger]
  const within = yield* makeSharedDeadline(yield* DialDeadline)
  const transportFor = (address: Address) => transports.find((it) => it.supports(address))

  const dialOne = Effect.fnUntraced(function* (address: Address, trusted: boolean) {
    const transport = transportFor(address)
    if (transport === undefined) return yield* failed(address, "not supported")
    const connection = yield* transport.dial(address)
    // A name can stand for any address, and where it led is known only now. Nothing has been said yet.
    if (trusted || !isPrivate(connection.address)) return connection
    connection.abort()
    return yield* failed(address, "private address")
  })

  const race = Effect.fnUntraced(function* (addresses: ReadonlyArray<Address>, trusted: boolean) {
    const outer = yield* Scope.Scope
    let won = false
    let last = failed(addresses.at(-1), "unreachable")
    const starts = addresses.map(() => Deferred.makeUnsafe<void>())
    const failures = addresses.map(() => Deferred.makeUnsafe<void>())

    /** In a scope of its own, which closes at once unless this racer wins, and with the caller's in any case. */
    const racer = Effect.fnUntraced(function* (address: Address, index: number) {
      const [before, failedBefore, start] = [starts[index - 1], failures[index - 1], starts[index]]
      if (before !== undefined && failedBefore !== undefined) {
        yield* Deferred.await(before)
        yield* Effect.timeoutOption(Deferred.await(failedBefore), stagger)
      }
      if (start !== undefined) yield* Deferred.succeed(start, undefined)
      const scope = yield* Scope.fork(outer)
      return yield* dialOne(address, trusted).pipe(
        Scope.provide(scope),
        Effect.flatMap((connection) => {
          if (!won) {
            won = true
            return Effect.succeed(connection)
          }
          connection.abort()
          return failed(address, "unreachable")
        }),
        Effect.tapError((failure) =>
          Effect.sync(() => {
            last = failure
          })
        ),
        Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)),
        Effect.tapError(() => Deferred.succeed(failures[index] ?? Deferred.makeUnsafe<void>(), undefined))
      )
    })
    return yield* Effect.catch(Effect.raceAll(addresses.map(racer)), () => Effect.fail(last))
  })

  return TransportManager.of({
    dial: Effect.fnUntraced(function* (addresses, { trusted }) {
      const supported = addresses.filter((it) => transportFor(it) !== undefined)
      const allowed = supported.filter((it) => trusted || !isPrivate(it)).slice(0, RACERS)
      const first = allowed[0]
      if (first === undefined) {
        if (addresses.length === 0) return yield* failed(undefined, "no address")
        return yield* failed(addresses[0], supported.length === 0 ? "not supported" : "private address")
      }
      const dialled = allowed.length === 1 ? dialOne(first, trusted) : race(allowed, trusted)
      return yield* within(dialled, () => failed(first, "timeout"))
    }),
    listen: Effect.fnUntraced(function* (addresses, handle) {
      return yield* Effect.forEach(
        addresses,
        (address) =>
          transportFor(address)?.listen(address, handle) ??
          Effect.fail(new ListenFailed({ address: address.text, reason: "not supported" }))
      )
    })
  })
})

export const layer = Layer.effect(TransportManager, make)
