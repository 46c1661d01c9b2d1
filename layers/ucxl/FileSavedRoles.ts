/** The newest list of roles in a file of the data folder, `roles.seen`. */
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { RECORD_LIMIT } from "#schemas/dht/Record"
import { StorageFailed } from "#services/storage/RecordStore"
import { SavedRoles } from "#services/ucxl/SavedRoles"
import { readWhole, writeWhole } from "./wholeFile.ts"

export const SEEN_FILE = "roles.seen"

export const make = (folder: string) => {
  const path = join(folder, SEEN_FILE)
  return SavedRoles.of({
    load: Effect.try({
      try: () => readWhole(path, RECORD_LIMIT)?.bytes,
      catch: (cause) => new StorageFailed({ operation: `read ${path}`, cause })
    }),
    save: (bytes) =>
      Effect.try({
        try: () => writeWhole(path, bytes),
        catch: (cause) => new StorageFailed({ operation: `write ${path}`, cause })
      })
  })
}

export const layer = (folder: string): Layer.Layer<SavedRoles> => Layer.sync(SavedRoles, () => make(folder))
