/** Who this node is, and in which network. Holds usable keys, so it is never logged or sent. */
import { Context } from "effect"
import type { AgreementKey, SigningKey } from "#core/identity/Suite"
import type { OnionKeys } from "#core/onion/OnionKeys"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PublicKey } from "#schemas/identity/PublicKey"

export class Identity extends Context.Service<
  Identity,
  {
    readonly publicKey: PublicKey
    readonly nodeId: NodeId
    /** `did:key:z6Mk…`, the text form of `publicKey`. */
    readonly did: string
    readonly signing: SigningKey
    /**
     * The key of another name of this node's, one for each salt: HKDF of its seed, so that it comes back after a restart.
     * Who does not have the seed cannot tell that it is this node's.
     */
    readonly pseudonym: (salt: Uint8Array) => SigningKey
    /** Static key of the Noise handshakes. */
    readonly noise: AgreementKey
    /** Made at start, exchanged every day by the onion's relay; the PeerRecord shows the current one. */
    readonly onionKeys: OnionKeys
    readonly networkName: string
    /** SHA-256 over the name; every signature and handshake is bound to it. */
    readonly networkId: Uint8Array
    /** A network on one machine: private addresses are dialled and rules by IP are off. */
    readonly local: boolean
  }
>()("allium/services/identity/Identity") {}
