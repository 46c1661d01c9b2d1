/** Dials the way of "happy eyeballs" (RFC 8305): addresses one after the other, overlapping; the first that answers wins. */
import { Effect, type Fiber, FiberSet, Layer, Result } from "effect"
import type { Address } from "#schemas/transport/Address"
import { isPrivate } from "#schemas/transport/isPrivate"
import { DialDeadline, RaceStagger } from "#services/transport/Schedules"
import { DialFailed, type Dialled, type GiveUp, ListenFailed, Transports } from "#services/transport/Transport"
import { TransportManager } from "#services/transport/TransportManager"
import { makeSharedDeadline } from "./sharedDeadline.ts"

/** Addresses of one peer that are tried: enough for IPv4, IPv6 and one more, too few to aim a flood with one record. */
const RACERS = 3

const failed = (address: Address | undefined, reason: DialFailed["reason"]) =>
  Result.fail(new DialFailed({ address: address?.text ?? "", reason }))

export const make = Effect.gen(function* () {
  const [transports, stagger] = [yield* Transports, yield* RaceStagger]
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const deadline = yield* makeSharedDeadline(yield* DialDeadline)
  const transportFor = (address: Address) => transports.find((it) => it.supports(address))

  const dialOne = (address: Address, trusted: boolean, done: Dialled): GiveUp => {
    const transport = transportFor(address)
    if (transport === undefined) {
      done(failed(address, "not supported"))
      return nothing
    }
    return transport.dial(address, (outcome) => {
      // A name can stand for any address, and where it led is known only now. Nothing has been said yet.
      if (trusted || Result.isFailure(outcome) || !isPrivate(outcome.success.address)) return done(outcome)
      outcome.success.abort()
      done(failed(address, "private address"))
    })
  }

  /** Each starts `stagger` after the one before, or as soon as that failed. Losers are given up, whatever they had. */
  const race = (addresses: ReadonlyArray<Address>, trusted: boolean, done: Dialled): GiveUp => {
    const under = new Map<number, GiveUp>()
    let [started, ended] = [0, 0]
    let timer: Fiber.Fiber<void> | undefined

    const giveUp = (): void => {
      timer?.interruptUnsafe()
      for (const stop of under.values()) stop()
    }

    const onTime = (): void => {
      timer = undefined
      start()
    }
    const start = (): void => {
      timer?.interruptUnsafe()
      timer = undefined
      const index = started++
      const address = addresses[index]
      if (address === undefined) return
      if (started < addresses.length) timer = run(Effect.andThen(Effect.sleep(stagger), Effect.sync(onTime)))
      let hasEnded = false
      const stop = dialOne(address, trusted, (outcome) => {
        hasEnded = true
        under.delete(index)
        ended++
        if (Result.isSuccess(outcome)) {
          giveUp()
          done(outcome)
        } else if (ended === addresses.length) done(outcome)
        else if (index === started - 1) start()
      })
      if (!hasEnded) under.set(index, stop)
    }
    start()
    return giveUp
  }

  return TransportManager.of({
    dial: (addresses, { trusted }, done) => {
      const isAllowed = (it: Address) => (trusted || !isPrivate(it)) && transportFor(it) !== undefined
      const allowed =
        addresses.length === 1 && isAllowed(addresses[0] as Address) ? addresses : addresses.filter(isAllowed)
      const first = allowed[0]
      if (first === undefined) {
        const isSupported = addresses.some((it) => transportFor(it) !== undefined)
        if (addresses.length === 0) done(failed(undefined, "no address"))
        else done(failed(addresses[0], isSupported ? "private address" : "not supported"))
        return nothing
      }
      let isOver = false
      let stop = nothing
      const leave = deadline(() => {
        isOver = true
        stop()
        done(failed(first, "timeout"))
      })
      const ended: Dialled = (outcome) => {
        isOver = true
        leave()
        done(outcome)
      }
      stop = allowed.length === 1 ? dialOne(first, trusted, ended) : race(allowed.slice(0, RACERS), trusted, ended)
      return () => {
        if (isOver) return
        isOver = true
        leave()
        stop()
      }
    },
    listen: (addresses, accept) =>
      Effect.forEach(
        addresses,
        (address) =>
          transportFor(address)?.listen(address, accept) ??
          Effect.fail(new ListenFailed({ address: address.text, reason: "not supported" }))
      )
  })
})

const nothing: GiveUp = () => {}

export const layer = Layer.effect(TransportManager, make)
