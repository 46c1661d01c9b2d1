/** What the nodes of one process verify together: nothing, unless a simulation of many nodes says otherwise. */
import { Context } from "effect"
import type { VerifiedContacts } from "#core/identity/VerifiedContacts"

export const SharedContacts = Context.Reference<VerifiedContacts | undefined>(
  "allium/services/identity/SharedContacts",
  { defaultValue: () => undefined }
)
