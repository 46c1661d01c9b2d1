/** The commands that ask the running node one thing and print the answer. */
import { Clock, Effect } from "effect"
import { type Cid, cidText } from "#schemas/content/Cid"
import type { NodeStatus, PeerStatus } from "#services/node/Node"
import { connect, sayFailure } from "./client.ts"
import { duration, note, paintOut, say, sayJson, size, tell } from "./output.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

export const showStatus = Effect.fnUntraced(
  function* ({ data, json }: Shared) {
    const status = yield* (yield* connect(data)).status()
    yield* tell(json, status, statusText)
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

export const showPeers = Effect.fnUntraced(
  function* ({ data, json }: Shared) {
    const peers = yield* (yield* connect(data)).peers()
    yield* Effect.forEach(peers, (peer) => tell(json, peer, peerText), { discard: true })
    if (peers.length === 0) yield* note("no node is connected")
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

export const showProvide = Effect.fnUntraced(
  function* ({ data, json }: Shared, cid: Cid) {
    const receipt = yield* (yield* connect(data)).provide({ params: { cid } })
    if (json) yield* sayJson(receipt)
    else yield* note(`announced on ${receipt.replicas} of ${receipt.factor} nodes`)
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

export const showProviders = Effect.fnUntraced(
  function* ({ data, json }: Shared, cid: Cid) {
    const providers = yield* (yield* connect(data)).providers({ params: { cid } })
    const now = (yield* Clock.currentTimeMillis) / 1000
    yield* Effect.forEach(
      providers,
      (provider) =>
        json
          ? sayJson({ cid: cidText(cid), ...provider })
          : say(`${provider.did}  ${paintOut.dim(`for another ${duration((provider.expires - now) * 1000)}`)}`),
      { discard: true }
    )
    if (providers.length === 0) yield* note("nobody has announced it")
  },
  (effect, { data }) => Effect.mapError(effect, sayFailure(data))
)

const statusText = (status: NodeStatus): string =>
  [
    ["did", status.did],
    ["network", status.local ? "local" : status.network],
    ["listening", status.listening.join("\n".padEnd(13)) || "nowhere"],
    ["state", status.joined ? "joined" : "looking for other nodes"],
    ["peers", `${status.sessions} connected, ${status.contacts} known`],
    ["records", `${status.records}, ${size(status.storedBytes)}`],
    ["memory", size(status.memoryBytes)],
    ["up", duration(status.uptimeSeconds * 1000)]
  ]
    .map(([name, value]) => `${paintOut.dim((name ?? "").padEnd(12))}${value}`)
    .join("\n")

const peerText = (peer: PeerStatus): string => {
  const roundTrip = peer.roundTripMillis === null ? "" : `  ${peer.roundTripMillis.toFixed(1)} ms`
  const since = duration(peer.sinceSeconds * 1000)
  return `${peer.address}  ${paintOut.dim(`${peer.dialled ? "out" : "in"}${roundTrip}  since ${since}`)}`
}
