/** What stands behind the endpoints of the control API: each asks one service and puts its answer into text and numbers. */
import { Effect, Metric, Stream } from "effect"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { hexOf } from "#schemas/bytes/bytes"
import { type Cid, cidText } from "#schemas/content/Cid"
import { didOf } from "#schemas/identity/PublicKey"
import { Blobs } from "#services/content/Blobs"
import { Dht, type PutReceipt } from "#services/dht/Dht"
import { Diagnostics } from "#services/dht/Diagnostics"
import { Membership } from "#services/dht/Membership"
import { Replicator } from "#services/dht/Replicator"
import { Identity } from "#services/identity/Identity"
import { Bounds, type BoundsShape } from "#services/node/Bounds"
import { ControlApi, TOTAL_HEADER } from "#services/node/ControlApi"
import { PINS_LISTED } from "#services/node/ControlSchemas"
import { boundedLimit, boundedSize } from "#services/node/Metrics"
import { Node } from "#services/node/Node"

const NOTHING = new Uint8Array(0)

/** Looked at when somebody asks, since nothing tells of each change. */
const measure = (bounds: BoundsShape) =>
  Effect.forEach(
    bounds.list(),
    ({ limit, name, size }) =>
      Effect.andThen(
        Metric.update(Metric.withAttributes(boundedSize, { collection: name }), size()),
        Metric.update(Metric.withAttributes(boundedLimit, { collection: name }), limit)
      ),
    { discard: true }
  )

const receiptOf = ({ expires, factor, reached, status }: PutReceipt) => ({
  status,
  replicas: reached,
  factor,
  expires
})

interface Announced {
  readonly nodeId: Uint8Array
  readonly publicKey: Uint8Array
  readonly issued: number
  readonly expires: number
}

const announcedOf = ({ expires, issued, nodeId, publicKey }: Announced) => ({
  did: didOf(publicKey),
  nodeId: hexOf(nodeId),
  issued,
  expires
})

/** `stop` begins the end of the node, without waiting for it. */
export const handlers = (stop: Effect.Effect<void>) =>
  HttpApiBuilder.group(
    ControlApi,
    "control",
    Effect.fnUntraced(function* (handlers) {
      const [node, blobs, dht, bounds] = [yield* Node, yield* Blobs, yield* Dht, yield* Bounds]
      const [replicator, membership, diagnostics] = [yield* Replicator, yield* Membership, yield* Diagnostics]
      const { did } = yield* Identity

      const setName = (name: string, value: Uint8Array) =>
        Effect.map(dht.putName(name, value), (receipt) => ({ name, seq: receipt.seq, ...receiptOf(receipt) }))

      const readName = (name: string) =>
        Effect.map(dht.getName(name), (entries) =>
          entries.map(({ author, expires, issued, seq, value }) => {
            const by = didOf(author)
            return { name, value, author: by, own: by === did, seq, issued, expires }
          })
        )

      const get = Effect.fnUntraced(function* (cid: Cid, options: Parameters<typeof blobs.get>[1]) {
        let total = 0
        const content = blobs.get(cid, {
          ...options,
          onProgress: (progress) => {
            total = progress.total ?? progress.bytes
          }
        })
        // The first leaf decides whether the answer is a failure or the content, and tells the length.
        const pull = yield* Stream.toPull(content)
        const first = yield* Effect.catchTag(pull, "Done", () => Effect.succeed([NOTHING] as const))
        const body = Stream.concat(Stream.fromArray(first), Stream.fromPull(Effect.succeed(pull)))
        return HttpApiSchema.withHeaders({ body, headers: { [TOTAL_HEADER]: total } })
      })

      return handlers.handleAll({
        status: () => node.status,
        peers: () => node.peers,
        put: ({ payload, query }) =>
          Effect.map(
            // An upload that breaks off ends the request, and with it this put.
            blobs.put(Stream.orDie(payload), query.privacy === undefined ? {} : { privacy: query.privacy }),
            ({ cid, ...receipt }) => ({ cid: cidText(cid), ...receipt })
          ),
        get: ({ params, query }) => get(params.cid, query.privacy === undefined ? {} : { privacy: query.privacy }),
        provide: ({ params }) =>
          Effect.map(dht.provide(params.cid), (receipt) => ({ cid: cidText(params.cid), ...receiptOf(receipt) })),
        providers: ({ params }) => Effect.map(dht.findProviders(params.cid), (found) => found.map(announcedOf)),
        setName: ({ payload }) => setName(payload.name, payload.value),
        deleteName: ({ query }) => setName(query.name, NOTHING),
        readName: ({ query }) => readName(query.name),
        pins: () => replicator.list(PINS_LISTED),
        pin: ({ params, payload: { factor, priority } }) =>
          replicator
            .addContent(params.cid, {
              ...(factor === undefined ? {} : { factor }),
              ...(priority === undefined ? {} : { priority })
            })
            .pipe(Effect.andThen(replicator.status(params.cid))),
        // Asked first, so that whoever mistypes a CID hears of it.
        unpin: ({ params }) => Effect.andThen(replicator.status(params.cid), replicator.removeContent(params.cid)),
        explainContent: ({ params }) => diagnostics.content(params.cid),
        explainPeer: ({ params, query }) => diagnostics.peer(params.nodeId, query.address),
        announceRole: ({ payload: { role } }) =>
          Effect.map(membership.announceRole(role), (receipt) => ({ role, ...receiptOf(receipt) })),
        withdrawRole: ({ query }) => membership.withdrawRole(query.role),
        findRole: ({ query }) => Effect.map(membership.findPeersByRole(query.role), (found) => found.map(announcedOf)),
        metrics: () => Effect.andThen(measure(bounds), PrometheusMetrics.format()),
        stop: () => stop
      })
    })
  )
