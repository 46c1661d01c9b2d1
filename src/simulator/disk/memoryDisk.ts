/**
 * A disk in memory, for networks of thousands.
 *
 * As with the real store, a record is seen once it is durable, so what the process reads and what survives it are the
 * same records, held once. Writes wait for the disk as a group; a group that a crash finds under way is there whole or
 * not at all, and only the dice know which.
 */
import { Clock, Context, Effect, Layer } from "effect"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import * as MemoryOpStore from "#layers/storage/MemoryOpStore"
import * as MemoryOutboxStore from "#layers/storage/MemoryOutboxStore"
import { SavedPeers } from "#layers/storage/MemoryPeerStore"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { copyOf, Shelves } from "#layers/storage/Shelves"
import { DeliveredStore } from "#services/storage/DeliveredStore"
import { GuardStore } from "#services/storage/GuardStore"
import { OpStore } from "#services/storage/OpStore"
import { OutboxStore } from "#services/storage/OutboxStore"
import { PeerStore } from "#services/storage/PeerStore"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore, type StoredRecord, StoreFull } from "#services/storage/RecordStore"
import type { Dice } from "../Dice.ts"
import type { Disk } from "./Disk.ts"
import { flipped } from "./flipped.ts"
import * as GroupedWrites from "./GroupedWrites.ts"
import { noRoom } from "./mounted.ts"

export interface MemoryDiskOptions {
  readonly quotaBytes: number
  /** Milliseconds that a group of writes takes; with 0 they never wait. */
  readonly fsync: number
  readonly dice: Dice
}

class DurableShelves extends Shelves {
  onReplace: Disk["onReplace"]

  override insert(record: StoredRecord): StoredRecord | undefined {
    const before = super.insert(record)
    if (before !== undefined && this.onReplace !== undefined) this.onReplace(before, record)
    return before
  }

  /** Nobody hears of it, and whoever was handed the record keeps it as it was. */
  flipBit(dice: Dice): boolean {
    let left = dice.int(this.totals.all().records)
    for (const members of this.slots.values()) {
      if (left >= members.size) {
        left -= members.size
        continue
      }
      const record = [...members.values()][left]
      if (record === undefined || record.bytes.length === 0) return false
      super.insert({ ...record, bytes: flipped(record.bytes, dice) })
      return true
    }
    return false
  }
}

class MemoryDisk implements Disk {
  readonly mount: Disk["mount"]
  readonly #options: MemoryDiskOptions
  #shelves = new DurableShelves()
  #peers = new SavedPeers()
  #pins = new MemoryPinStore.SavedPins()
  #guards = new MemoryGuardStore.SavedGuards()
  #delivered = new MemoryDeliveredStore.SavedIds()
  #ops = new MemoryOpStore.SavedOps()
  #outbox = new MemoryOutboxStore.SavedWrites()
  #mounted: GroupedWrites.GroupedWrites | undefined
  #slowed = 0
  #full = false

  constructor(options: MemoryDiskOptions) {
    this.#options = options
    this.mount = Layer.effectContext(this.#open())
  }

  get onReplace(): Disk["onReplace"] {
    return this.#shelves.onReplace
  }

  set onReplace(heard: Disk["onReplace"]) {
    this.#shelves.onReplace = heard
  }

  crash(after: Parameters<Disk["crash"]>[0]): void {
    this.#cutOff(after === "kept")
    if (after !== "lost") return
    const { onReplace } = this.#shelves
    this.#shelves = new DurableShelves()
    this.#shelves.onReplace = onReplace
    this.#peers = new SavedPeers()
    this.#pins = new MemoryPinStore.SavedPins()
    this.#guards = new MemoryGuardStore.SavedGuards()
    this.#delivered = new MemoryDeliveredStore.SavedIds()
    this.#ops = new MemoryOpStore.SavedOps()
    this.#outbox = new MemoryOutboxStore.SavedWrites()
  }

  slow(milliseconds: number): void {
    this.#slowed = milliseconds
  }

  full(full: boolean): void {
    this.#full = full
  }

  flipBit(dice: Dice): boolean {
    return this.#shelves.flipBit(dice)
  }

  held(kind: number, key: Uint8Array): ReadonlyArray<StoredRecord> {
    return this.#shelves.under(kind, key)
  }

  size(): number {
    return this.#shelves.totals.all().records
  }

  close(): void {
    this.#cutOff(false)
  }

  /** With `perhaps` the group that was under way may have arrived. */
  #cutOff(perhaps: boolean): void {
    const group = this.#mounted?.cutOff() ?? []
    this.#mounted = undefined
    if (perhaps && group.length > 0 && this.#options.dice.chance(0.5)) for (const write of group) write.apply()
  }

  #open() {
    return Effect.gen({ self: this }, function* () {
      this.#cutOff(true)
      const writes = yield* GroupedWrites.make(() => this.#options.fsync + this.#slowed)
      this.#mounted = writes
      return Context.make(RecordStore, yield* this.#records(writes)).pipe(
        Context.add(PeerStore, this.#peerStore(writes)),
        Context.add(PinStore, this.#pinStore(writes)),
        Context.add(GuardStore, this.#guardStore(writes)),
        Context.add(DeliveredStore, this.#deliveredStore(writes)),
        Context.add(OpStore, this.#opStore(writes)),
        Context.add(OutboxStore, this.#outboxStore(writes))
      )
    })
  }

  #records(writes: GroupedWrites.GroupedWrites) {
    return Effect.gen({ self: this }, function* () {
      const shelves = this.#shelves
      const { quotaBytes } = this.#options
      const base = yield* MemoryRecordStore.make({ quotaBytes, shelves })
      const clock = yield* Clock.Clock
      const put = (records: ReadonlyArray<StoredRecord>): Effect.Effect<void, StoreFull> =>
        shelves.put(records, quotaBytes, Math.floor(clock.currentTimeMillisUnsafe() / 1000))
          ? Effect.void
          : Effect.fail(new StoreFull({ usedBytes: shelves.totals.all().bytes, quotaBytes }))
      return RecordStore.of({
        put: (records) =>
          Effect.suspend(() => {
            if (this.#full) return writes.guard(Effect.fail(noRoom("put")))
            const copies = records.map(copyOf)
            return writes.write(() => put(copies))
          }),
        get: (kind, key, page) => writes.guard(base.get(kind, key, page)),
        remove: (kind, key, member) =>
          writes.write(() => {
            shelves.remove(kind, key, member)
            return Effect.void
          }),
        expire: (now) => writes.write(() => Effect.succeed(shelves.expire(now))),
        scan: (afterKey, limit) => writes.guard(base.scan(afterKey, limit)),
        list: (range, limit, after) => writes.guard(base.list(range, limit, after)),
        usage: (storedBy) => writes.guard(base.usage(storedBy))
      })
    })
  }

  #peerStore(writes: GroupedWrites.GroupedWrites): PeerStore["Service"] {
    const saved = this.#peers
    const save: PeerStore["Service"]["save"] = (peers) =>
      Effect.suspend(() => {
        if (this.#full) return writes.guard(Effect.fail(noRoom("save peers")))
        const copies = [...peers]
        return writes.write(() => {
          saved.keep(copies)
          return Effect.void
        })
      })
    return PeerStore.of({ save, load: writes.guard(Effect.sync(() => saved.latestFirst())) })
  }

  #opStore(writes: GroupedWrites.GroupedWrites): OpStore["Service"] {
    const saved = this.#ops
    const base = MemoryOpStore.make(saved)
    const write = (operation: string, apply: () => void) =>
      Effect.suspend(() => {
        if (this.#full) return writes.guard(Effect.fail(noRoom(operation)))
        return writes.write(() => {
          apply()
          return Effect.void
        })
      })
    return OpStore.of({
      keepGenesis: (...all) => write("keep genesis", () => saved.keepGenesis(...all)),
      genesis: (channel) => writes.guard(base.genesis(channel)),
      append: (...all) => write("append operations", () => saved.append(...all)),
      extents: (channel) => writes.guard(base.extents(channel)),
      heads: (channel) => writes.guard(base.heads(channel)),
      find: (...all) => writes.guard(base.find(...all)),
      range: (...all) => writes.guard(base.range(...all)),
      compact: (...all) => write("compact", () => saved.compact(...all)),
      snapshot: (channel) => writes.guard(base.snapshot(channel)),
      prove: (...all) => write("keep proof", () => saved.prove(...all)),
      proofs: (channel) => writes.guard(base.proofs(channel)),
      forget: (channel) => write("forget channel", () => saved.forget(channel))
    })
  }

  #outboxStore(writes: GroupedWrites.GroupedWrites): OutboxStore["Service"] {
    const base = MemoryOutboxStore.make(this.#outbox)
    return OutboxStore.of({
      add: (write) =>
        Effect.suspend(() => {
          if (this.#full) return writes.guard(Effect.fail(noRoom("queue write")))
          const copy = { ...write, bytes: write.bytes.slice() }
          return writes.write(() => base.add(copy))
        }),
      next: (...all) => writes.guard(base.next(...all)),
      find: (...all) => writes.guard(base.find(...all)),
      remove: (write) => writes.write(() => base.remove(write)),
      setAside: (write, reason) => writes.write(() => base.setAside(write, reason)),
      refused: writes.guard(base.refused),
      status: writes.guard(base.status)
    })
  }

  #pinStore(writes: GroupedWrites.GroupedWrites): PinStore["Service"] {
    const base = MemoryPinStore.make(this.#pins)
    return PinStore.of({
      put: (pins) =>
        Effect.suspend(() => {
          if (this.#full) return writes.guard(Effect.fail(noRoom("put pins")))
          const copies = [...pins]
          return writes.write(() => base.put(copies))
        }),
      find: (kind, key) => writes.guard(base.find(kind, key)),
      remove: (kind, key) => writes.write(() => base.remove(kind, key)),
      due: (now, limit) => writes.guard(base.due(now, limit)),
      list: (after, limit) => writes.guard(base.list(after, limit)),
      count: writes.guard(base.count)
    })
  }

  #guardStore(writes: GroupedWrites.GroupedWrites): GuardStore["Service"] {
    const base = MemoryGuardStore.make(this.#guards)
    return GuardStore.of({
      save: (guards) =>
        Effect.suspend(() => {
          if (this.#full) return writes.guard(Effect.fail(noRoom("save guards")))
          const copies = [...guards]
          return writes.write(() => base.save(copies))
        }),
      load: writes.guard(base.load)
    })
  }

  #deliveredStore(writes: GroupedWrites.GroupedWrites): DeliveredStore["Service"] {
    const base = MemoryDeliveredStore.make(this.#delivered)
    return DeliveredStore.of({
      add: (ids, before) =>
        Effect.suspend(() => {
          if (this.#full) return writes.guard(Effect.fail(noRoom("add delivered")))
          const copies = [...ids]
          return writes.write(() => base.add(copies, before))
        }),
      load: (after, limit) => writes.guard(base.load(after, limit))
    })
  }
}

export const memoryDisk = (options: MemoryDiskOptions): Disk => new MemoryDisk(options)
