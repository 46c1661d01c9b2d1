/** A SessionManager that opens nothing by itself, for layers that ask it whom it is connected to. */
import { Effect, Layer, PubSub, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { parseAddress } from "#schemas/transport/Address"
import {
  type ConnectFailed,
  type DialTarget,
  type Session,
  type SessionEvent,
  SessionManager
} from "#services/session/SessionManager"
import { hello } from "../../laws/hello.ts"
import { peer } from "./fixtures.ts"

export const addressAt = (text: string) => Result.getOrThrow(parseAddress(text))

export const sessionWith = (contact: Contact, since = 0): Session => ({
  contact,
  hello,
  dialled: true,
  address: addressAt("/ip4/127.0.0.1/tcp/4150"),
  since,
  isOpen: () => true,
  takesRequests: () => true,
  offer: () => true,
  send: () => Effect.void,
  closed: Effect.never,
  close: () => Effect.void
})

/** Connected to nobody, but for what is said otherwise. */
export const sessionsBut = (parts: Partial<SessionManager["Service"]>) =>
  Layer.effect(
    SessionManager,
    Effect.map(PubSub.unbounded<SessionEvent>(), (events) =>
      SessionManager.of({
        self: () => peer("me"),
        listening: () => [],
        addExternal: () => {},
        setServing: () => {},
        connect: () => Effect.die("not asked"),
        find: () => undefined,
        list: () => [],
        onFrame: () => Effect.void,
        events,
        onOpen: () => Effect.void,
        onClose: () => Effect.void,
        onOwnKey: () => Effect.void,
        charge: () => {},
        keepIf: () => {},
        stats: () => ({ open: 0, halfOpen: 0, bans: 0 }),
        ...parts
      })
    )
  )

/** `open` are the sessions there are; `connect` is what comes of dialling. */
export const sessionsDouble = (
  open: () => ReadonlyArray<Session>,
  connect: (target: DialTarget) => Effect.Effect<Session, ConnectFailed>
) =>
  sessionsBut({
    listening: () => [addressAt("/ip4/127.0.0.1/tcp/4001")],
    connect,
    find: (key) => open().find(({ contact }) => contact.key === key),
    list: open,
    stats: () => ({ open: open().length, halfOpen: 0, bans: 0 })
  })
