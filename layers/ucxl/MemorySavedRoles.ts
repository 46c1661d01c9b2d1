/** The list of roles as long as the `SavedList` lives: for tests and nodes without a disk. */
import { Effect, Layer } from "effect"
import { SavedRoles } from "#services/ucxl/SavedRoles"

/** What outlives a restart. */
export class SavedList {
  bytes: Uint8Array | undefined = undefined
}

export const make = (saved: SavedList = new SavedList()) =>
  SavedRoles.of({
    load: Effect.sync(() => saved.bytes),
    save: (bytes) =>
      Effect.sync(() => {
        saved.bytes = bytes.slice()
      })
  })

export const layer = (saved?: SavedList): Layer.Layer<SavedRoles> => Layer.sync(SavedRoles, () => make(saved))
