/** Delegates of the test's making: each of them says what it is told to, by a router that carries nothing anywhere. */
import { Effect, Layer, Random, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import * as KindValidators from "#layers/dht/KindValidators"
import * as OnionDelegates from "#layers/dht/OnionDelegates"
import { type DhtRequest, readRequest as readDhtRequest, writeAnswer } from "#schemas/dht/DhtMessage"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import { InnerEnvelope } from "#schemas/router/InnerEnvelope"
import { answerBody } from "#schemas/router/Question"
import { readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { Delegates } from "#services/dht/Delegates"
import { type Bounded, Bounds } from "#services/node/Bounds"
import { type AskOptions, RouterHandle, Unanswered } from "#services/router/RouterHandle"
import { NoRoute, RouteTable } from "#services/router/RouteTable"
import { SessionManager } from "#services/session/SessionManager"
import type { Saying } from "./crowd.ts"
import { identity, peer } from "./fixtures.ts"

export interface Errands {
  /** Whom was asked what, and with blocks for how many bytes, in order. */
  readonly asked: ReadonlyArray<{ readonly by: string; readonly request: DhtRequest; readonly options: AskOptions }>
  /** How often relays were looked for. */
  readonly prepared: { readonly times: number }
  readonly bounds: () => ReadonlyArray<Bounded>
}

export interface DelegatesOptions {
  /** Of those by name, whose record nobody has confirmed lately. */
  readonly stale?: ReadonlyArray<string>
  /** Known as neighbours, and as no relays. */
  readonly neighbours?: ReadonlyArray<Contact>
  /** Whoever is asked first never answers. */
  readonly stallsFirst?: boolean
  /** They offer to relay as well, and are all that do: to none of them there is a route. */
  readonly allRelays?: ReadonlyArray<string>
  /** Why there is no route. */
  readonly noRoute?: string
}

const HOUR = 3_600_000

/** In the order in which the test names them they are the relays that are known. */
export const withDelegates = <A, E>(
  sayings: Readonly<Record<string, Saying>>,
  body: (delegates: Delegates["Service"], errands: Errands) => Effect.Effect<A, E>,
  { allRelays = [], neighbours = [], noRoute, stale = [], stallsFirst = false }: DelegatesOptions = {}
) => {
  const asked: Array<Errands["asked"][number]> = []
  const bounded: Array<Bounded> = []
  const names = new Map(Object.keys(sayings).map((name) => [peer(name).key, name]))

  const ask: RouterHandle["Service"]["ask"] = ({ nodeId }, envelope, options) =>
    Effect.suspend((): ReturnType<typeof ask> => {
      if (noRoute !== undefined) return Effect.fail(new NoRoute({ peer: "", reason: noRoute }))
      const by = names.get(String.fromCharCode(...nodeId)) ?? "nobody"
      const { body: call, id } = Result.getOrThrow(readRequest(envelope.body.subarray(1)))
      const request = Result.getOrThrow(readDhtRequest(call))
      asked.push({ by, request, options })
      if (allRelays.includes(by)) return Effect.fail(new NoRoute({ peer: by, reason: "too few relays" }))
      if (stallsFirst && asked.length === 1) return Effect.never
      const said = sayings[by]?.(request)
      if (said === undefined) return Effect.fail(new Unanswered({ peer: by, seconds: 1 }))
      const payload = "tag" in said ? writeError(id, said) : writeOk(id, writeAnswer(said))
      return Effect.succeed(new InnerEnvelope({ type: "DHT", body: answerBody(payload) }))
    })

  const prepared = { times: 0 }
  const relays = Object.keys(sayings)
    .map((name) => ({
      contact: peer(name, { capabilities: allRelays.includes(name) ? DHT_SERVER | ONION_RELAY : DHT_SERVER }),
      confirmedAt: stale.includes(name) ? -2 * HOUR : 0
    }))
    .filter(({ contact }) => !neighbours.some(({ key }) => key === contact.key))
  return Effect.gen(function* () {
    return yield* body(yield* Delegates, { asked, bounds: () => bounded, prepared })
  }).pipe(
    Effect.provide(
      OnionDelegates.layer.pipe(
        Layer.provideMerge(KindValidators.layer),
        Layer.provideMerge(
          Layer.mergeAll(
            Layer.mock(RouterHandle, { ask }),
            Layer.succeed(RouteTable, {
              relays: () => relays,
              prepared: () =>
                Effect.suspend(() => {
                  prepared.times++
                  return noRoute === undefined ? Effect.void : new NoRoute({ peer: "", reason: noRoute })
                })
            } as unknown as RouteTable["Service"]),
            Layer.succeed(SessionManager, {
              list: () => neighbours.map((contact) => ({ contact })),
              charge: () => {
                throw new Error("a delegate is charged in the open")
              }
            } as unknown as SessionManager["Service"]),
            Layer.succeed(Bounds, {
              watch: (name, limit, size) => Effect.sync(() => void bounded.push({ name, limit, size })),
              list: () => bounded
            })
          )
        ),
        Layer.provideMerge(identity("me"))
      )
    ),
    Effect.scoped,
    // Of many draws each has to come up.
    Random.withSeed("delegates")
  )
}
