/**
 * The roles of a node of a real network: the authority's list, the node's own keys, and what it does of itself about them.
 * Without an authority in the settings all of it costs nothing.
 */
import { Effect, Layer, Result } from "effect"
import * as AnnouncedRoles from "#layers/ucxl/AnnouncedRoles"
import * as DeclaredRoles from "#layers/ucxl/DeclaredRoles"
import * as FileRoleKeys from "#layers/ucxl/FileRoleKeys"
import * as FileSavedRoles from "#layers/ucxl/FileSavedRoles"
import * as SignedRoleDirectory from "#layers/ucxl/SignedRoleDirectory"
import type { Settings } from "#schemas/node/Settings"
import { authorityOf } from "#schemas/ucxl/authority"
import { AuthorityInvalid } from "#services/ucxl/RoleDirectory"

export const layer = ({ authority, dataFolder }: Pick<Settings, "authority" | "dataFolder">) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const parsed = authorityOf(authority)
      if (Result.isFailure(parsed)) return yield* new AuthorityInvalid({ authority, reason: parsed.failure })
      return Layer.merge(AnnouncedRoles.layer, DeclaredRoles.layer(dataFolder)).pipe(
        Layer.provideMerge(SignedRoleDirectory.layer({ authority: parsed.success })),
        Layer.provide(FileSavedRoles.layer(dataFolder)),
        Layer.merge(FileRoleKeys.layerConfig(dataFolder))
      )
    })
  )
