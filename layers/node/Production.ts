/**
 * A node of a real network: TCP, an SQLite file and keys in its data folder, node:crypto, the tempo of production.
 *
 * `Production.layer(settings)` needs nothing else. The whole node closes with the layer's scope, in order: first what
 * asks of others, then the sessions with a GOODBYE, the database last.
 */
import { Layer } from "effect"
import * as FileKeyStore from "#layers/identity/FileKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteDeliveredStore from "#layers/storage/SqliteDeliveredStore"
import * as SqliteGuardStore from "#layers/storage/SqliteGuardStore"
import * as SqliteOpStore from "#layers/storage/SqliteOpStore"
import * as SqliteOutboxStore from "#layers/storage/SqliteOutboxStore"
import * as SqlitePeerStore from "#layers/storage/SqlitePeerStore"
import * as SqlitePinStore from "#layers/storage/SqlitePinStore"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import * as TcpTransport from "#layers/transport/TcpTransport"
import type { Settings } from "#schemas/node/Settings"
import * as encrypted from "./encrypted.ts"
import * as NodeBounds from "./NodeBounds.ts"
import * as parts from "./parts.ts"
import { stack } from "./stack.ts"
import * as tempo from "./tempo.ts"

const storage = ({ diskQuota }: Settings, database: ReturnType<typeof SqliteDatabase.layer>) =>
  Layer.mergeAll(
    SqliteRecordStore.layer({ quotaBytes: diskQuota }),
    SqlitePeerStore.layer,
    SqlitePinStore.layer,
    SqliteGuardStore.layer,
    SqliteDeliveredStore.layer,
    SqliteOpStore.layer,
    SqliteOutboxStore.layer
  ).pipe(Layer.provide([database, NodeBounds.layer]))

/** `variant`: only for whoever watches a network of its own, as `allium network` does. */
export const layer = (settings: Settings, variant: Pick<parts.Variant, "cells"> = {}) => {
  // One for all: a layer is shared by its reference.
  const database = SqliteDatabase.layer({ folder: settings.dataFolder, synchronous: settings.synchronous })
  return stack(
    Layer.mergeAll(TcpTransport.layer, NodeCrypto.layer, NodeRandom.layer),
    // Before all else that is written: it makes the folder, and keeps a second node out of it.
    storage(settings, database),
    FileKeyStore.layer(settings.dataFolder),
    parts.layer(settings, variant),
    encrypted.layer(settings, database)
  ).pipe(Layer.provide(settings.local ? tempo.local : tempo.production))
}
