/** The verified PeerRecords of this node: one book for handshakes and DHT answers, so that none is verified twice. */
import { Context } from "effect"
import type { PeerBook } from "#core/identity/PeerBook"

export class KnownPeers extends Context.Service<KnownPeers, PeerBook>()("allium/services/identity/KnownPeers") {}
