/**
 * A disk that is one: the durable stores on files of their own, in a folder of this machine.
 *
 * A crash keeps the files as they are at that instant, with a transaction that is only half in the log, if so. Nothing
 * is flushed to the device (`synchronous: normal`): the simulated machine loses power, this one does not.
 */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { copyOf } from "#layers/storage/Shelves"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteDeliveredStore from "#layers/storage/SqliteDeliveredStore"
import * as SqliteGuardStore from "#layers/storage/SqliteGuardStore"
import * as SqliteOpStore from "#layers/storage/SqliteOpStore"
import * as SqliteOutboxStore from "#layers/storage/SqliteOutboxStore"
import * as SqlitePeerStore from "#layers/storage/SqlitePeerStore"
import * as SqlitePinStore from "#layers/storage/SqlitePinStore"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import { DeliveredStore } from "#services/storage/DeliveredStore"
import { GuardStore } from "#services/storage/GuardStore"
import { OpStore } from "#services/storage/OpStore"
import { OutboxStore } from "#services/storage/OutboxStore"
import { PeerStore } from "#services/storage/PeerStore"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore, type StorageFailed, type StoredRecord } from "#services/storage/RecordStore"
import type { Dice } from "../Dice.ts"
import { DatabaseFiles, hearReplacements } from "./DatabaseFiles.ts"
import type { Disk } from "./Disk.ts"
import { Mount, noRoom } from "./mounted.ts"

export interface SqliteDiskOptions {
  /** Of this node alone; need not exist. */
  readonly folder: string
  readonly quotaBytes: number
  readonly dice: Dice
}

/** A run's hold of the database, which outlives the program's fibers if they are dropped. */
class OpenDatabase extends Mount {
  readonly handles = Scope.makeUnsafe()

  /** Its finalizers are synchronous, and a crash waits for nothing. */
  close(): void {
    Effect.runSync(Scope.close(this.handles, Exit.void))
  }
}

class SqliteDisk implements Disk {
  readonly mount: Disk["mount"]
  onReplace: Disk["onReplace"]
  readonly #options: SqliteDiskOptions
  readonly #files: DatabaseFiles
  #mounted: OpenDatabase | undefined
  #slowed = 0
  #full = false

  constructor(options: SqliteDiskOptions) {
    this.#options = options
    this.#files = new DatabaseFiles(options.folder)
    this.mount = Layer.effectContext(this.#open())
  }

  crash(after: Parameters<Disk["crash"]>[0]): void {
    this.#cutOff()
    if (after === "kept") return
    this.#files.letGo()
    if (after === "lost") this.#files.restore(new Map())
    else this.#files.tear(this.#options.dice)
  }

  slow(milliseconds: number): void {
    this.#slowed = milliseconds
  }

  full(full: boolean): void {
    this.#full = full
  }

  flipBit(dice: Dice): boolean {
    return this.#files.flipBit(dice, this.#mounted !== undefined)
  }

  held(kind: number, key: Uint8Array): ReadonlyArray<StoredRecord> {
    return this.#files.held(kind, key)
  }

  size(): number {
    return this.#files.size()
  }

  close(): void {
    this.#cutOff()
    this.#files.letGo()
  }

  /** To close a database is to tidy it, so the files are put back as they were. */
  #cutOff(): void {
    const mounted = this.#mounted
    if (mounted === undefined) return
    this.#mounted = undefined
    this.#hear()
    mounted.state = "cut"
    const files = this.#files.read()
    this.#files.letGo()
    mounted.close()
    this.#files.restore(files)
  }

  #hear(): void {
    for (const [before, after] of this.#files.replacements()) this.onReplace?.(before, after)
  }

  #open() {
    return Effect.gen({ self: this }, function* () {
      this.#cutOff()
      this.#files.letGo()
      const mount = new OpenDatabase()
      this.#mounted = mount
      yield* Effect.addFinalizer(() => Effect.sync(() => this.#leave(mount)))
      const { folder, quotaBytes } = this.#options
      const client = yield* Scope.provide(SqliteDatabase.make({ folder, synchronous: "normal" }), mount.handles)
      for (const text of hearReplacements) yield* client.unsafe(text)
      this.#files.opened()
      const records = yield* Effect.provideService(SqliteRecordStore.make({ quotaBytes }), SqlClient, client)
      const peers = yield* Effect.provideService(SqlitePeerStore.make, SqlClient, client)
      const pins = yield* Effect.provideService(SqlitePinStore.make, SqlClient, client)
      const guards = yield* Effect.provideService(SqliteGuardStore.make, SqlClient, client)
      const delivered = yield* Effect.provideService(SqliteDeliveredStore.make, SqlClient, client)
      const ops = yield* Effect.provideService(SqliteOpStore.make, SqlClient, client)
      const outbox = yield* Effect.provideService(SqliteOutboxStore.make(), SqlClient, client)
      return Context.make(RecordStore, this.#records(mount, records)).pipe(
        Context.add(PeerStore, this.#peers(mount, peers)),
        Context.add(PinStore, this.#pins(mount, pins)),
        Context.add(GuardStore, this.#guards(mount, guards)),
        Context.add(DeliveredStore, this.#delivered(mount, delivered)),
        Context.add(OpStore, this.#ops(mount, ops)),
        Context.add(OutboxStore, this.#outbox(mount, outbox))
      )
      // The folder is the simulator's own: that it cannot be used is no fault of the node's.
    }).pipe(Effect.orDie)
  }

  /** The program ended by itself. */
  #leave(mount: OpenDatabase): void {
    if (mount.state === "cut") return
    this.#hear()
    mount.state = "closed"
    this.#mounted = undefined
    this.#files.letGo()
    mount.close()
  }

  #write<A, E>(mount: Mount, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const written = mount.guard(effect)
      return this.#slowed > 0 ? Effect.andThen(Effect.sleep(this.#slowed), written) : written
    }).pipe(
      Effect.exit,
      Effect.flatMap((exit) => {
        if (mount.state === "cut") return Effect.never
        this.#hear()
        return exit
      })
    )
  }

  #needingRoom<A, E>(mount: Mount, operation: string, effect: Effect.Effect<A, E>) {
    return Effect.suspend(
      (): Effect.Effect<A, E | StorageFailed> =>
        this.#full ? mount.guard(Effect.fail(noRoom(operation))) : this.#write(mount, effect)
    )
  }

  #records(mount: Mount, base: RecordStore["Service"]): RecordStore["Service"] {
    return RecordStore.of({
      put: (records) => Effect.suspend(() => this.#needingRoom(mount, "put", base.put(records.map(copyOf)))),
      get: (kind, key, page) => mount.guard(base.get(kind, key, page)),
      remove: (kind, key, member) => this.#write(mount, base.remove(kind, key, member)),
      expire: (now) => this.#write(mount, base.expire(now)),
      scan: (afterKey, limit) => mount.guard(base.scan(afterKey, limit)),
      list: (range, limit, after) => mount.guard(base.list(range, limit, after)),
      usage: (storedBy) => mount.guard(base.usage(storedBy))
    })
  }

  #ops(mount: Mount, base: OpStore["Service"]): OpStore["Service"] {
    const write = <E>(operation: string, effect: Effect.Effect<void, E>) => this.#needingRoom(mount, operation, effect)
    return OpStore.of({
      keepGenesis: (...all) => write("keep genesis", base.keepGenesis(...all)),
      genesis: (channel) => mount.guard(base.genesis(channel)),
      append: (...all) => write("append operations", base.append(...all)),
      extents: (channel) => mount.guard(base.extents(channel)),
      heads: (channel) => mount.guard(base.heads(channel)),
      find: (...all) => mount.guard(base.find(...all)),
      range: (...all) => mount.guard(base.range(...all)),
      compact: (...all) => write("compact", base.compact(...all)),
      snapshot: (channel) => mount.guard(base.snapshot(channel)),
      prove: (...all) => write("keep proof", base.prove(...all)),
      proofs: (channel) => mount.guard(base.proofs(channel)),
      forget: (channel) => write("forget channel", base.forget(channel))
    })
  }

  #outbox(mount: Mount, base: OutboxStore["Service"]): OutboxStore["Service"] {
    return OutboxStore.of({
      add: (write) => this.#needingRoom(mount, "queue write", base.add(write)),
      next: (...all) => mount.guard(base.next(...all)),
      find: (...all) => mount.guard(base.find(...all)),
      remove: (write) => this.#write(mount, base.remove(write)),
      setAside: (write, reason) => this.#write(mount, base.setAside(write, reason)),
      refused: mount.guard(base.refused),
      status: mount.guard(base.status)
    })
  }

  #peers(mount: Mount, base: PeerStore["Service"]): PeerStore["Service"] {
    return PeerStore.of({
      save: (peers) => this.#needingRoom(mount, "save peers", base.save(peers)),
      load: mount.guard(base.load)
    })
  }

  #pins(mount: Mount, base: PinStore["Service"]): PinStore["Service"] {
    return PinStore.of({
      put: (pins) => this.#needingRoom(mount, "put pins", base.put(pins)),
      find: (kind, key) => mount.guard(base.find(kind, key)),
      remove: (kind, key) => this.#write(mount, base.remove(kind, key)),
      due: (now, limit) => mount.guard(base.due(now, limit)),
      list: (after, limit) => mount.guard(base.list(after, limit)),
      count: mount.guard(base.count)
    })
  }

  #guards(mount: Mount, base: GuardStore["Service"]): GuardStore["Service"] {
    return GuardStore.of({
      save: (guards) => this.#needingRoom(mount, "save guards", base.save(guards)),
      load: mount.guard(base.load)
    })
  }

  #delivered(mount: Mount, base: DeliveredStore["Service"]): DeliveredStore["Service"] {
    return DeliveredStore.of({
      add: (ids, before) => this.#needingRoom(mount, "add delivered", base.add(ids, before)),
      load: (after, limit) => mount.guard(base.load(after, limit))
    })
  }
}

export const sqliteDisk = (options: SqliteDiskOptions): Disk => new SqliteDisk(options)
