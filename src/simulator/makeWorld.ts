/** A world with the disks that its plan asks for, which are given back with the scope. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Disk } from "./disk/Disk.ts"
import { memoryDisk } from "./disk/memoryDisk.ts"
import { sqliteDisk } from "./disk/sqliteDisk.ts"
import { World, type WorldOptions } from "./World.ts"

/** Milliseconds of a write to a simulated disk. */
const FSYNC = 4
const QUOTA = 64 * 1024 * 1024

/** A folder for the disks of one run, gone with its scope. */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-simulation-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const makeWorld = Effect.fnUntraced(function* (
  plan: Plan,
  app?: WorldOptions["app"]
): Effect.fn.Return<World, never, Scope.Scope> {
  const path = plan.storage === "sqlite" ? yield* temporaryFolder : undefined
  const disk = (node: number, dice: World["dice"]): Disk =>
    path === undefined
      ? memoryDisk({ quotaBytes: QUOTA, fsync: FSYNC, dice })
      : sqliteDisk({ folder: join(path, String(node)), quotaBytes: QUOTA, dice })
  return yield* Effect.acquireRelease(
    Effect.sync(() => new World({ plan, disk, app })),
    (world) => Effect.sync(() => world.close())
  )
})
