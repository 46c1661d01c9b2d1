import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, PubSub, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Directory } from "#core/ucxl/Directory"
import { grantRoles } from "#core/ucxl/roleGrants"
import * as AnnouncedRoles from "#layers/ucxl/AnnouncedRoles"
import * as DeclaredRoles from "#layers/ucxl/DeclaredRoles"
import { SavedList } from "#layers/ucxl/MemorySavedRoles"
import type { Role } from "#schemas/ucxl/Role"
import { Bootstrap } from "#services/dht/Bootstrap"
import { PutRefused } from "#services/dht/Dht"
import { Membership } from "#services/dht/Membership"
import { RoleDirectory, RolesUnavailable } from "#services/ucxl/RoleDirectory"
import { AUTHORITY, identity, keyOf, OneRecord, role, signerOf } from "./roles.ts"

const MEMBER = 2

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "allium-declared-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

const joined = (wait: Effect.Effect<void> = Effect.void) =>
  Layer.succeed(Bootstrap, { isBootstrapped: () => true, joined: wait })

/** What a member says, as its Membership was asked to. */
class Said {
  readonly lines: Array<string> = []
  refuses = false

  readonly layer = Layer.mock(Membership, {
    isBootstrapped: () => true,
    mode: () => "server",
    announceRole: (name, { grants = [] } = {}) =>
      Effect.suspend(() => {
        if (this.refuses) return Effect.fail(new PutRefused({ key: new Uint8Array(32), refusals: [] }))
        this.lines.push(`+${name} ${grants.length}`)
        const lookup = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
        const place = { key: new Uint8Array(32), status: "stored" as const, reached: 1, factor: 5, holders: [] }
        return Effect.succeed({ ...place, expires: 9, lookup })
      }),
    withdrawRole: (name) => Effect.sync(() => void this.lines.push(`-${name}`))
  })

  readonly take = (): ReadonlyArray<string> => this.lines.splice(0)
}

describe("AnnouncedRoles", () => {
  const start = Effect.gen(function* () {
    const [said, lists] = [new Said(), yield* PubSub.unbounded<Directory>()]
    let current: Directory | undefined
    let seq = 0
    const publish = (roles: ReadonlyArray<Role>, now = 0) => {
      current = new Directory(++seq, grantRoles(signerOf(AUTHORITY), roles, now))
      return Effect.andThen(PubSub.publish(lists, current), TestClock.adjust("1 second"))
    }
    const directory = Layer.mock(RoleDirectory, {
      authority: keyOf(AUTHORITY),
      current: Effect.suspend(() =>
        current === undefined ? Effect.fail(new RolesUnavailable({ reason: "" })) : Effect.succeed(current)
      ),
      changes: Stream.fromPubSub(lists)
    })
    const run = Layer.build(
      Layer.fresh(AnnouncedRoles.layer).pipe(Layer.provide([directory, said.layer, identity(MEMBER), joined()]))
    )
    return { said, publish, run }
  })

  it.effect("says what the list grants, anew with each new grant, and takes back what it does not", () =>
    Effect.gen(function* () {
      const { publish, run, said } = yield* start
      yield* run
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(said.take(), [])
      const other = role("owner", { level: "master", members: [keyOf(5)] })
      yield* publish([role("developer"), role("reader", { level: "read-only" }), other])
      yield* TestClock.adjust("2 minutes")
      assert.sameMembers([...said.take()], ["+developer 1", "-reader", "-owner"])
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(said.take(), [])
      yield* publish([role("developer"), other], 500)
      assert.deepStrictEqual(said.take(), ["+developer 1"])
      yield* publish([role("developer", { members: [] })], 500)
      assert.deepStrictEqual(said.take(), ["-developer"])
    })
  )

  it.effect("tries again where nobody would have it", () =>
    Effect.gen(function* () {
      const { publish, run, said } = yield* start
      said.refuses = true
      yield* publish([role("developer")])
      yield* run
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(said.take(), [])
      said.refuses = false
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(said.take(), ["+developer 1"])
    })
  )
})

describe("DeclaredRoles", () => {
  const start = (network: OneRecord, path: string, fill = AUTHORITY, wait?: Effect.Effect<void>) =>
    Effect.map(
      Layer.build(
        Layer.fresh(DeclaredRoles.layer(path)).pipe(
          Layer.provideMerge(network.directory(fill, new SavedList())),
          Layer.provide([identity(fill), joined(wait)])
        )
      ),
      (services) => Context.get(services, RoleDirectory)
    )
  const write = (path: string, text: string) => fs.writeFileSync(join(path, DeclaredRoles.ROLES_FILE), text)

  it.effect("publishes the file once the network is there, and not again while it says the same", () =>
    Effect.gen(function* () {
      const [network, path] = [new OneRecord(), yield* folder]
      write(path, '[roles.developer]\nlevel = "execution"\n')
      const there = yield* Deferred.make<void>()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const directory = yield* start(network, path, AUTHORITY, Deferred.await(there))
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(network.puts, 0)
          yield* Deferred.succeed(there, undefined)
          yield* TestClock.adjust("1 minute")
          assert.strictEqual((yield* directory.current).find("developer")?.level, "execution")
        })
      )
      yield* Effect.scoped(Effect.andThen(start(network, path), TestClock.adjust("1 minute")))
      assert.strictEqual(network.puts, 1)
      write(path, '[roles.developer]\nlevel = "master"\n')
      yield* start(network, path)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(network.puts, 2)
    })
  )

  it.effect("publishes nothing on other nodes, without a file, or of a file that is wrong", () =>
    Effect.gen(function* () {
      const [network, path] = [new OneRecord(), yield* folder]
      const runs = (fill: number) =>
        Effect.scoped(Effect.andThen(start(network, path, fill), TestClock.adjust("1 minute")))
      yield* runs(AUTHORITY)
      write(path, '[roles.developer]\nlevel = "high"\n')
      assert.strictEqual((yield* Effect.flip(DeclaredRoles.declaredIn(path)))._tag, "RolesInvalid")
      yield* runs(AUTHORITY)
      write(path, '[roles.developer]\nlevel = "master"\n')
      yield* runs(MEMBER)
      assert.strictEqual(network.puts, 0)
    })
  )
})
