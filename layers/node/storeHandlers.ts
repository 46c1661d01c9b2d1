/** What stands behind the endpoints of encrypted content: asks the store and the log of audit, and puts it into text. */
import { Effect, Stream } from "effect"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import { hexOf } from "#schemas/bytes/bytes"
import { didOf } from "#schemas/identity/PublicKey"
import { ControlApi } from "#services/node/ControlApi"
import { ABOUT_HEADER, type RetrievedStatus, type StoredStatus, type VersionStatus } from "#services/node/StoreApi"
import { AuditLog } from "#services/ucxl/AuditLog"
import type { Criteria } from "#services/ucxl/ContentIndex"
import { EncryptedStore, type Retrieved, type Stored, type Version } from "#services/ucxl/EncryptedStore"

const storedOf = ({ metadata, ...stored }: Stored): StoredStatus => ({
  address: stored.address,
  path: stored.path,
  cid: stored.cid,
  creatorRole: metadata.creatorRole,
  encryptedFor: metadata.encryptedFor,
  contentType: metadata.contentType,
  size: metadata.size,
  timestamp: metadata.timestamp,
  seq: stored.seq,
  status: stored.status,
  replicas: stored.replicas,
  factor: stored.factor,
  expires: stored.expires
})

const retrievedOf = ({ address, author, cached, content, metadata, seq }: Retrieved): RetrievedStatus => ({
  address,
  creatorRole: metadata.creatorRole,
  contentType: metadata.contentType,
  size: content.length,
  timestamp: metadata.timestamp,
  author,
  seq,
  cached
})

const versionOf = ({ cid, metadata, metadataCid }: Version): VersionStatus => ({
  cid,
  metadataCid,
  creatorRole: metadata.creatorRole,
  encryptedFor: metadata.encryptedFor,
  contentType: metadata.contentType,
  size: metadata.size,
  timestamp: metadata.timestamp
})

/** A content type is a stranger's text, of letters that a header cannot carry, or that would end it. */
const inHeader = (value: object): string => encodeURIComponent(JSON.stringify(value))

export const handlers = HttpApiBuilder.group(
  ControlApi,
  "store",
  Effect.fnUntraced(function* (handlers) {
    const [store, audit] = [yield* EncryptedStore, yield* AuditLog]

    const search = (criteria: Criteria, limit: number) => Stream.runCollect(Stream.take(store.search(criteria), limit))

    const follow = (limit: number) =>
      Stream.unwrap(
        Effect.gen(function* () {
          // Listened to first, so that no line is lost between the two; a line that is in both is told once.
          const coming = yield* Stream.toPull(audit.changes).pipe(
            Effect.map((pull) => Stream.fromPull(Effect.succeed(pull)))
          )
          const before = yield* audit.latest(limit)
          const last = before.at(-1)?.number ?? 0
          return Stream.concat(
            Stream.fromIterable(before),
            Stream.filter(coming, ({ number }) => number > last)
          )
        })
      )

    return handlers.handleAll({
      put: ({ payload, query: { address, role, type } }) =>
        // An upload that breaks off ends the request, and with it this put.
        Effect.map(store.store(address, Stream.orDie(payload), role, type), storedOf),
      get: ({ query: { address, version } }) =>
        Effect.map(
          version === undefined ? store.retrieve(address) : store.retrieveVersion(address, version),
          (retrieved) =>
            HttpApiSchema.withHeaders({
              body: Stream.make(retrieved.content),
              headers: { [ABOUT_HEADER]: inHeader(retrievedOf(retrieved)) }
            })
        ),
      remove: ({ query }) => store.remove(query.address),
      search: ({ query: { limit, ...criteria } }) => search(criteria, limit),
      listByRole: ({ params, query }) => store.listByRole(params.role, query.limit),
      history: ({ query }) => Effect.succeed(Stream.map(store.history(query.address), versionOf)),
      share: ({ payload: { address, role } }) => Effect.map(store.share(address, role), storedOf),
      announce: ({ payload }) => store.announce(payload.address),
      discover: ({ query }) =>
        Effect.map(store.discover(query.address), (found) =>
          found.map(({ expires, issued, nodeId, publicKey }) => ({
            did: didOf(publicKey),
            nodeId: hexOf(nodeId),
            issued,
            expires
          }))
        ),
      rotate: ({ payload }) => Effect.succeed(store.rotate(payload.role)),
      stats: () => store.stats,
      audit: ({ query }) => audit.latest(query.limit),
      followAudit: ({ query }) => Effect.succeed(follow(query.limit)),
      verifyAudit: () => audit.verify
    })
  })
)
