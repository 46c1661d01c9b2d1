/**
 * Cover traffic: cells that leave and come back to this node over three relays, at exponential intervals, so that who
 * watches its guard cannot tell when it has something to say. Only where the policy asks for it.
 */
import { Effect, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { SecureRandom } from "#services/identity/SecureRandom"
import { MixPolicy } from "#services/onion/MixPolicy"
import { OnionCells } from "#services/onion/OnionCells"
import { RouteTable } from "#services/router/RouteTable"
import type { Building } from "./building.ts"

const RELAYS = 3
const MINUTE = 60_000

export const coverLoops = Effect.fnUntraced(function* (building: Building) {
  const { cover } = yield* MixPolicy
  if (cover <= 0) return
  const [routes, cells, random] = [yield* RouteTable, yield* OnionCells, yield* SecureRandom]

  const interval = (): number => {
    const uniform = new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32
    return (-MINUTE / cover) * Math.log(1 - uniform)
  }

  /** Who is not found by relays is found by a guard, which has a session with it. */
  const relays = (): ReadonlyArray<Contact> => {
    const there = routes.pickDiverseRelays(RELAYS, [])
    if (Result.isFailure(there)) return []
    const path = there.success.relays
    if (building.hasAddress()) return path
    const back = routes.routeBack([])
    const guard = Result.isSuccess(back) ? back.success.relays.at(-1) : undefined
    return guard === undefined ? [] : [...path.filter(({ key }) => key !== guard.key).slice(0, RELAYS - 1), guard]
  }

  const once = Effect.suspend(() => {
    const path = relays()
    const loop = path.length === 0 ? undefined : building.loop(path)
    if (loop === undefined || Result.isFailure(loop)) return Effect.void
    return Effect.ignore(cells.send(loop.success), { log: "Debug" })
  })

  yield* Effect.suspend(() => Effect.andThen(Effect.sleep(interval()), once)).pipe(Effect.forever, Effect.forkScoped)
})
