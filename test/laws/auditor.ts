/** Whose audit log it is in tests, and what stands in it. */
import { Layer } from "effect"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import type { AuditEvent } from "#services/ucxl/AuditLog"

export const auditor = KeyStoreIdentity.layer({ network: "audit", local: false }).pipe(
  Layer.provide(MemoryKeyStore.layer),
  Layer.provide(SeededRandom.layer("auditor")),
  Layer.provideMerge(NodeCrypto.layer)
)

export const event = (fields: Partial<AuditEvent> = {}): AuditEvent => ({
  operation: "store",
  address: "ucxl://ada/developer/allium/one/decision",
  role: "developer",
  contentType: "text/markdown",
  size: 12,
  outcome: "done",
  reason: "",
  ...fields
})
