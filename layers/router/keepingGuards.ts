/** Puts the guards of the last run back, and writes them down whenever they change. */
import { Effect, Latch, Result } from "effect"
import { type Contact, contactOf } from "#core/identity/Contact"
import type { Guard } from "#core/router/Guards"
import type { RouteBook } from "#core/router/RouteBook"
import { equalBytes } from "#schemas/bytes/bytes"
import { read } from "#schemas/identity/PeerRecord"
import { Crypto } from "#services/identity/Crypto"
import { GuardStore, type StoredGuard } from "#services/storage/GuardStore"

const toStored = ({ chosen, contact, lostAt, until }: Guard<Contact>): StoredGuard => ({
  nodeId: contact.nodeId,
  record: contact.bytes,
  chosen: Math.floor(chosen / 1000),
  until: Math.floor(until / 1000),
  lost: lostAt === undefined ? 0 : Math.max(1, Math.floor(lostAt / 1000))
})

/** Answers a function that has them written down if they have changed, soon. */
export const keepGuards = Effect.fnUntraced(function* (book: RouteBook<Contact>) {
  const [store, suite] = [yield* GuardStore, yield* Crypto]
  const changed = yield* Latch.make(false)
  let saved = book.guards.version

  /** The record may have expired: it only says where to look. Whoever answers there has to prove to be that node. */
  const contactIn = ({ nodeId, record }: StoredGuard): ReadonlyArray<Contact> => {
    const bytes = record.slice()
    const fields = read(bytes)
    if (Result.isFailure(fields)) return []
    const contact = contactOf(suite, fields.success, bytes)
    return equalBytes(contact.nodeId, nodeId) ? [contact] : []
  }

  const stored = yield* Effect.catch(store.load, (error) =>
    Effect.as(Effect.logWarning("the guards of the last run could not be read", error), [])
  )
  book.restoreGuards(
    stored.flatMap((guard) =>
      contactIn(guard).map((contact) => ({
        contact,
        chosen: guard.chosen * 1000,
        until: guard.until * 1000,
        lostAt: guard.lost === 0 ? undefined : guard.lost * 1000
      }))
    )
  )

  const save = Effect.suspend(() => {
    const { version } = book.guards
    if (version === saved) return Effect.void
    return Effect.andThen(
      store.save(book.guards.all().map(toStored)),
      Effect.sync(() => {
        saved = version
      })
    )
  }).pipe(Effect.catch((error) => Effect.logWarning("the guards could not be saved", error)))

  yield* Effect.addFinalizer(() => save)
  yield* changed.await.pipe(Effect.andThen(changed.close), Effect.andThen(save), Effect.forever, Effect.forkScoped)

  return (): void => {
    if (book.guards.version !== saved) changed.openUnsafe()
  }
})
