/**
 * Asks one node after the other to do something for this one, each by an onion route and each drawn by lot. Who does not
 * answer, or not with the truth, is asked last for a while; nothing else is held against it, since nobody sees whose
 * fault it was, and a charge would tell others with whom this node deals.
 */
import { Clock, Deferred, Duration, Effect, Random, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { answerReaderOf, type DhtAnswer, type DhtRequest, writeRequest } from "#schemas/dht/DhtMessage"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import { readAnswerIn, requestBody } from "#schemas/router/Question"
import type { RpcFailureFields } from "#schemas/rpc/RpcFailure"
import { DELEGATES_ASKED, DOUBTED_DELEGATES, DOUBTED_FOR } from "#services/dht/Limits"
import { delegations } from "#services/dht/Metrics"
import { DelegatePatience, DelegateWithin } from "#services/dht/Schedules"
import { Bounds } from "#services/node/Bounds"
import { type AskError, RouterHandle } from "#services/router/RouterHandle"
import { RouteTable } from "#services/router/RouteTable"
import { RecipientKnownFor, RecordFreshFor } from "#services/router/Schedules"
import { SessionManager } from "#services/session/SessionManager"
import { metricsBy } from "./metricsBy.ts"

/** One operation: whom it has asked, and what came of it. */
export class Errand {
  readonly met = new Set<string>()
  /** Who is not to be asked, by key. */
  readonly avoid: ReadonlySet<string>
  /** Delegates that have said something that is an answer. */
  asked = 0
  /** What became of the last one that did not, for people. */
  trouble = ""
  /** Too few relays are left when one of them is a delegate. */
  sparesRelays = false

  constructor(avoid: ReadonlySet<string> = new Set()) {
    this.avoid = avoid
  }
}

/** What a delegate said; it may be a lie. */
export type Said =
  | { readonly _tag: "Answer"; readonly by: Contact; readonly answer: DhtAnswer }
  | { readonly _tag: "Refusal"; readonly by: Contact; readonly failure: RpcFailureFields }

export interface Delegating {
  /** The next one's answer; undefined when nobody is left to be asked, or `DELEGATES_ASKED` were. */
  readonly next: (errand: Errand, request: DhtRequest, answerBytes: number) => Effect.Effect<Said | undefined>
  /** The same one once more; undefined where it is silent. */
  readonly again: (
    errand: Errand,
    by: Contact,
    request: DhtRequest,
    answerBytes: number
  ) => Effect.Effect<Said | undefined>
  /** It did not tell the truth. */
  readonly doubt: (delegate: Contact) => void
}

export const makeDelegating = Effect.gen(function* () {
  const [router, routes, sessions] = [yield* RouterHandle, yield* RouteTable, yield* SessionManager]
  const [clock, patience, within] = [yield* Clock.Clock, yield* DelegatePatience, yield* DelegateWithin]
  const freshFor = Duration.toMillis(Duration.min(yield* RecordFreshFor, yield* RecipientKnownFor))
  const count = yield* metricsBy(delegations)
  /** Unix milliseconds at which the doubt arose, oldest first. */
  const doubted = new Map<string, number>()
  yield* (yield* Bounds).watch("doubted delegates", DOUBTED_DELEGATES, () => doubted.size)

  const doubt = ({ key }: Contact): void => {
    doubted.delete(key)
    if (doubted.size >= DOUBTED_DELEGATES) doubted.delete(doubted.keys().next().value ?? "")
    doubted.set(key, clock.currentTimeMillisUnsafe())
  }

  /**
   * Servers whose record is current: else it would be looked up before they are asked, and by another delegate. Neighbours only where there are too few relays: who is near to whom in the table is known to others.
   */
  const servers = (now: number): ReadonlyArray<Contact> => {
    const found = new Map<string, Contact>()
    const take = (contact: Contact): void => {
      const { capabilities, expires } = contact.record
      if ((capabilities & DHT_SERVER) !== 0 && expires > now / 1000) found.set(contact.key, contact)
    }
    for (const { confirmedAt, contact } of routes.relays()) if (confirmedAt > now - freshFor) take(contact)
    if (found.size < DELEGATES_ASKED) for (const { contact } of sessions.list()) take(contact)
    return [...found.values()]
  }

  /** A node that has not sent for long knows few, or none; it looks around once. */
  const known = Effect.suspend(() => {
    const few = servers(clock.currentTimeMillisUnsafe())
    if (few.length >= DELEGATES_ASKED) return Effect.succeed(few)
    return Effect.map(routes.prepared([]), () => servers(clock.currentTimeMillisUnsafe()))
  })

  const draw = ({ avoid, met, sparesRelays }: Errand) =>
    Effect.flatMap(known, (all) => {
      const now = clock.currentTimeMillisUnsafe()
      const left = all.filter(
        ({ key, record }) =>
          !met.has(key) && !avoid.has(key) && !(sparesRelays && (record.capabilities & ONION_RELAY) !== 0)
      )
      const trusted = left.filter(({ key }) => (doubted.get(key) ?? Number.NEGATIVE_INFINITY) < now - DOUBTED_FOR)
      const among = trusted.length > 0 ? trusted : left
      return Effect.map(Random.next, (part) => among[Math.floor(part * among.length)])
    })

  const readSaid = (
    by: Contact,
    request: DhtRequest,
    envelope: Parameters<typeof readAnswerIn>[1]
  ): Result.Result<Said, string> =>
    Result.flatMap(readAnswerIn("DHT", envelope), (said): Result.Result<Said, string> => {
      if (said._tag === "Error") return Result.succeed({ _tag: "Refusal", by, failure: said.failure })
      return Result.map(answerReaderOf(request._tag)(said.body), (answer) => ({ _tag: "Answer", by, answer }))
    })

  const again: Delegating["again"] = (errand, by, request, answerBytes) => {
    const failed = (outcome: string, trouble: string) =>
      Effect.sync(() => {
        count(outcome)
        errand.trouble = trouble
        return undefined
      })
    const envelope = { type: "DHT", body: requestBody(writeRequest(request)) } as const
    return router.ask(by, envelope, { privacy: "anonymous", answerBytes }).pipe(
      Effect.timeoutOrElse({ duration: within, orElse: () => Effect.succeed(undefined) }),
      Effect.flatMap((answer) => {
        const read = answer === undefined ? Result.fail(silence(within)) : readSaid(by, request, answer)
        if (Result.isFailure(read)) {
          doubt(by)
          return failed(answer === undefined ? "silent" : "malformed", read.failure)
        }
        doubted.delete(by.key)
        count(read.success._tag === "Answer" ? "answered" : "refused")
        return Effect.succeed(read.success)
      }),
      Effect.catch((error: AskError) => {
        if (error._tag === "NoRoute") errand.sparesRelays = true
        else doubt(by)
        return failed(error._tag === "NoRoute" ? "no route" : "silent", troubleOf(error))
      })
    )
  }

  const drawn = Effect.fnUntraced(function* (errand: Errand): Effect.fn.Return<Contact, Silent> {
    if (errand.met.size >= DELEGATES_ASKED) return yield* Effect.fail(silent)
    const delegate = yield* Effect.catchTag(draw(errand), "NoRoute", ({ reason }) => {
      errand.trouble = reason
      return Effect.succeed(undefined)
    })
    if (delegate === undefined) {
      if (errand.trouble === "") errand.trouble = NOBODY
      return yield* Effect.fail(silent)
    }
    errand.met.add(delegate.key)
    return delegate
  })

  /** Whoever is slow goes on, and another is asked besides: the first of them that says something has been asked. */
  const first = Effect.fnUntraced(function* (
    errand: Errand,
    request: DhtRequest,
    answerBytes: number
  ): Effect.fn.Return<Said, Silent> {
    const delegate = yield* drawn(errand)
    const hasFailed = yield* Deferred.make<void>()
    const asked = Effect.flatMap(again(errand, delegate, request, answerBytes), (said) =>
      said === undefined
        ? Effect.andThen(Deferred.succeed(hasFailed, undefined), Effect.fail(silent))
        : Effect.succeed(said)
    )
    const slow = Effect.andThen(
      Effect.sleep(patience),
      Effect.sync(() => doubt(delegate))
    )
    const another = Effect.andThen(
      Effect.raceFirst(slow, Deferred.await(hasFailed)),
      first(errand, request, answerBytes)
    )
    return yield* Effect.race(asked, another)
  })

  const next: Delegating["next"] = (errand, request, answerBytes) =>
    Effect.catch(first(errand, request, answerBytes), () => Effect.succeed(undefined))

  return { again, doubt, next } satisfies Delegating
})

/** Nothing came of it; what it was stands in the errand. */
interface Silent {
  readonly _tag: "Silent"
}
const silent: Silent = { _tag: "Silent" }

const NOBODY = "no other node is known that could do it: connect to more nodes and try again"

const silence = (within: Duration.Duration): string =>
  `nobody answered within ${Duration.format(within)}: try again later`

/** What people may do about it stands in a `NoRoute` itself. */
const troubleOf = (error: AskError): string => {
  switch (error._tag) {
    case "NoRoute":
      return error.reason
    case "OnionUnanswered":
      return `nobody answered by ${error.routes} routes (${error.last}): try again later`
    default:
      return `nobody answered (${error._tag}): try again later`
  }
}
