/**
 * One whole node of this machine, for what a simulated network has none of: nodes that differ in how they are built.
 * Nodes that share one `hub` reach each other.
 */
import { Context, Layer } from "effect"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as parts from "#layers/node/parts"
import * as tempo from "#layers/node/tempo"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import * as MemoryOpStore from "#layers/storage/MemoryOpStore"
import * as MemoryOutboxStore from "#layers/storage/MemoryOutboxStore"
import * as MemoryPeerStore from "#layers/storage/MemoryPeerStore"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { defaultSettings } from "#schemas/node/defaultSettings"
import { SessionManager } from "#services/session/SessionManager"

export const hub = MemoryTransport.hub

export const localNode = (seed: string, settings: Partial<parts.PartSettings> = {}, variant: parts.Variant = {}) =>
  Layer.build(
    parts
      .layer({ ...defaultSettings, local: true, listen: ["/memory/0"], ...settings }, variant)
      .pipe(
        Layer.provideMerge(MemoryKeyStore.layer),
        Layer.provideMerge(
          Layer.mergeAll(
            MemoryRecordStore.layer(),
            MemoryPeerStore.layer(),
            MemoryPinStore.layer,
            MemoryDeliveredStore.layer,
            MemoryGuardStore.layer,
            MemoryOpStore.layer,
            MemoryOutboxStore.layer
          )
        ),
        Layer.provideMerge(Layer.merge(MemoryTransport.layer, SeededRandom.layer(seed))),
        Layer.provideMerge(NodeCrypto.layer),
        Layer.provide(tempo.local)
      )
  )

export const addressesOf = (node: Context.Context<SessionManager>): ReadonlyArray<string> =>
  Context.get(node, SessionManager).listening().map(String)
