/** Who provides something, from the announcements under its key. */
import { Result } from "effect"
import type { Suite } from "#core/identity/Suite"
import { nodeIdOf } from "#core/identity/signature"
import * as Provider from "#schemas/dht/Provider"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PublicKey } from "#schemas/identity/PublicKey"

export interface ProviderEntry {
  readonly nodeId: NodeId
  readonly publicKey: PublicKey
  readonly issued: number
  readonly expires: number
}

/** Most recent first. The records have been verified. */
export const providerEntries = (suite: Suite, records: ReadonlyArray<Uint8Array>): ReadonlyArray<ProviderEntry> =>
  records
    .flatMap((bytes) => Result.match(Provider.read(bytes), { onFailure: () => [], onSuccess: (it) => [it] }))
    .map(({ expires, issued, node }) => ({ nodeId: nodeIdOf(suite, node), publicKey: node, issued, expires }))
    .sort((a, b) => b.issued - a.issued)
