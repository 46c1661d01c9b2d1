/**
 * Nodes with encrypted stores on one network of the test's: what a node puts into its Dht stands in everybody's at once,
 * roles are those that the test publishes, and what is stored can be counted, looked at and replaced.
 */
import { Clock, Context, Effect, Layer, PubSub, Queue, Redacted, Schedule } from "effect"
import { signName } from "#core/dht/signRecord"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
import { keyOfSecret } from "#core/ucxl/roleKeysText"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as MockDht from "#layers/dht/MockDht"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as AgeEncryptedStore from "#layers/ucxl/AgeEncryptedStore"
import type { makeAge } from "#layers/ucxl/age"
import * as MemoryAuditLog from "#layers/ucxl/MemoryAuditLog"
import * as MemoryContentIndex from "#layers/ucxl/MemoryContentIndex"
import * as MemoryRoleDirectory from "#layers/ucxl/MemoryRoleDirectory"
import * as MemoryRoleKeys from "#layers/ucxl/MemoryRoleKeys"
import type { StoreOptions } from "#layers/ucxl/StoreState"
import { keyOf, utf8 } from "#schemas/bytes/bytes"
import * as Name from "#schemas/dht/Name"
import { RecordKind } from "#schemas/dht/Record"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import type { Level, Role } from "#schemas/ucxl/Role"
import { Blobs } from "#services/content/Blobs"
import { BlockAgain } from "#services/content/Schedules"
import { Dht } from "#services/dht/Dht"
import { Gossip, type Received, type Validator } from "#services/gossip/Gossip"
import { Identity } from "#services/identity/Identity"
import { PinStore } from "#services/storage/PinStore"
import { type AuditEntry, AuditLog } from "#services/ucxl/AuditLog"
import { ContentIndex } from "#services/ucxl/ContentIndex"
import { EncryptedStore } from "#services/ucxl/EncryptedStore"
import { RoleDirectory } from "#services/ucxl/RoleDirectory"
import { RoleKeys } from "#services/ucxl/RoleKeys"

export const { suite } = NodeCrypto
export const networkId = networkIdOf(suite, "local")
export const signerOf = (name: string) => ({ networkId, signing: suite.signingKey(suite.sha256(utf8(name))) })
export const publicKeyOf = (name: string) => signerOf(name).signing.publicKey as PublicKey
export const didOfNode = (name: string) => didOf(publicKeyOf(name))

export const AUTHORITY = "authority"

/** A role as the test writes it down. */
export interface RoleDraft {
  readonly level?: Level
  readonly reads?: ReadonlyArray<string>
  readonly members?: ReadonlyArray<string>
  /** Another key than before. */
  readonly key?: string
}

export type StoreNode = Effect.Success<ReturnType<World["node"]>>

/** What is put in the place of parts of a node. */
export interface Overrides {
  readonly dht?: Partial<Dht["Service"]>
  readonly keys?: Partial<RoleKeys["Service"]>
  readonly audit?: Partial<AuditLog["Service"]>
  readonly directory?: Partial<RoleDirectory["Service"]>
  readonly encryption?: typeof makeAge
}

const roleKey = (key: string) => keyOfSecret(suite, key, suite.sha256(utf8(`key of ${key}`)))

const identityOf = (name: string) => {
  const { signing } = signerOf(name)
  const publicKey = signing.publicKey as PublicKey
  const own = { publicKey, nodeId: nodeIdOf(suite, publicKey), did: didOf(publicKey), signing, networkId }
  return Layer.succeed(Identity, own as unknown as Identity["Service"])
}

export class World {
  readonly #mocks: Array<MockDht.Mock> = []
  /** All that anybody ever put, for those who come later. */
  readonly #put: Array<{ readonly kind: number; readonly bytes: Uint8Array }> = []
  readonly #subscribers: Array<{ node: string; validator: Validator; queue: Queue.Queue<Received> }> = []
  readonly roles: MemoryRoleDirectory.SharedRoles
  /** What the Dht was asked, by all nodes. */
  queries = 0
  /** Verdicts on notices. */
  readonly verdicts: Array<string> = []
  /** Nobody is told anything while this is set. */
  silent = false

  constructor(roles: MemoryRoleDirectory.SharedRoles) {
    this.roles = roles
  }

  /** The authority's next list. */
  readonly publish = (roles: Readonly<Record<string, RoleDraft>>) =>
    Effect.gen({ self: this }, function* () {
      const list = Object.entries(roles).map(
        ([name, { key = name, level = "execution", members = [], reads = [] }]): Role => ({
          name,
          level,
          recipients: [roleKey(key).recipient],
          canDecrypt: reads,
          members: members.map(publicKeyOf)
        })
      )
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const directory = this.roles.grant(list, now)
      yield* PubSub.publish(this.roles.lists, directory)
      return directory
    })

  /** A node that holds the keys of these. */
  readonly node = (
    name: string,
    keys: ReadonlyArray<string> = [],
    options: StoreOptions = {},
    others: Overrides = {}
  ) =>
    Effect.gen({ self: this }, function* () {
      const dht = Layer.effect(
        Dht,
        Effect.map(this.#dht, (it) => Dht.of({ ...it, ...others.dht }))
      ).pipe(Layer.provide([identityOf(name), NodeCrypto.layer]))
      const base = Layer.mergeAll(identityOf(name), NodeCrypto.layer, MemoryPinStore.layer, this.#gossip(name), dht)
      const stores = Layer.mergeAll(
        DhtBlobs.layer,
        Layer.effect(
          RoleDirectory,
          Effect.map(MemoryRoleDirectory.make(this.roles), (it) => RoleDirectory.of({ ...it, ...others.directory }))
        ),
        Layer.effect(
          RoleKeys,
          Effect.map(MemoryRoleKeys.make, (it) => RoleKeys.of({ ...it, ...others.keys }))
        ),
        MemoryContentIndex.layer(),
        Layer.effect(
          AuditLog,
          Effect.map(MemoryAuditLog.make(), (it) => AuditLog.of({ ...it, ...others.audit }))
        )
      )
      const layer = Layer.effect(EncryptedStore, AgeEncryptedStore.make(options, others.encryption)).pipe(
        Layer.provideMerge(stores),
        Layer.provideMerge(base),
        Layer.provide(Layer.succeed(BlockAgain, Schedule.recurs(0))),
        Layer.provide(SeededRandom.layer(name)),
        Layer.provide(NodeCrypto.layer)
      )
      const context = yield* Layer.build(layer)
      const held = Context.get(context, RoleKeys)
      for (const key of keys) yield* held.add(key.split("/")[0]!, Redacted.make(roleKey(key).identity))
      return {
        name,
        did: didOfNode(name),
        store: Context.get(context, EncryptedStore),
        index: Context.get(context, ContentIndex),
        keys: held,
        blobs: Context.get(context, Blobs),
        dht: Context.get(context, Dht),
        pins: Context.get(context, PinStore),
        audit: Context.get(context, AuditLog).latest(1_000) as Effect.Effect<ReadonlyArray<AuditEntry>, unknown>
      }
    })

  /** Everything that anybody holds under an address. */
  readonly names = (address: string): ReadonlyArray<Uint8Array> =>
    (this.#mocks[0]?.under(RecordKind.Name, this.#nameKey(address)) ?? []).map(({ bytes }) => bytes)

  /** Makes everybody forget the entry of one author. */
  readonly forget = (address: string, author: string): void => {
    for (const mock of this.#mocks) mock.forget(RecordKind.Name, this.#nameKey(address), publicKeyOf(author))
  }

  /** An entry as its author signed it, whether he may or not. */
  readonly spread = (record: Uint8Array) =>
    Effect.forEach(this.#mocks, (mock) => Effect.ignore(mock.dht.putRecord(RecordKind.Name, record)), { discard: true })

  /** An entry of the author's making, by a grant of the role. */
  readonly sign = (author: string, address: string, role: string, value: Uint8Array, seq: number, issued: number) =>
    signName(signerOf(author), {
      authority: publicKeyOf(AUTHORITY),
      digest: suite.sha256(utf8(address)),
      seq,
      issued,
      expires: issued + 86_400,
      value,
      grants: this.roles.directory?.grantsFor(role, publicKeyOf(author)) ?? []
    })

  #nameKey(address: string): Uint8Array {
    return suite.sha256(Name.keyPreimage(publicKeyOf(AUTHORITY), suite.sha256(utf8(address))))
  }

  get #dht() {
    return Effect.gen({ self: this }, function* () {
      const mock = yield* MockDht.make()
      for (const { bytes, kind } of this.#put) yield* Effect.ignore(mock.dht.putRecord(kind, bytes))
      this.#mocks.push(mock)
      const { dht } = mock
      const counted = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.suspend(() => {
          this.queries++
          return effect
        })
      const others = () => this.#mocks.filter((other) => other !== mock)
      const spread = (kind: number) => (receipt: { readonly key: Uint8Array }) =>
        Effect.forEach(
          mock.under(kind, receipt.key).filter(({ member }) => keyOf(member) === keyOf(mock.publicKey)),
          ({ bytes }) => {
            this.#put.push({ kind, bytes })
            return Effect.forEach(others(), (other) => other.dht.putRecord(kind, bytes), { discard: true })
          },
          { discard: true }
        )
      return Dht.of({
        ...dht,
        putBlock: (bytes, options) =>
          Effect.tap(dht.putBlock(bytes, options), () => {
            this.#put.push({ kind: RecordKind.Block, bytes })
            return Effect.forEach(others(), (other) => other.dht.putBlock(bytes, options), { discard: true })
          }),
        putName: (name, value, options) => Effect.tap(dht.putName(name, value, options), spread(RecordKind.Name)),
        provide: (cid, options) => Effect.tap(dht.provide(cid, options), spread(RecordKind.Provider)),
        getBlock: (digest, options) => counted(dht.getBlock(digest, options)),
        getName: (name, options) => counted(dht.getName(name, options)),
        findProviders: (cid, options) => counted(dht.findProviders(cid, options))
      })
    })
  }

  /** What one publishes all others get at once, if their validators take it. */
  #gossip(name: string): Layer.Layer<Gossip> {
    const from = { key: name } as unknown as Received["from"]
    const nothing = { peers: () => [], scoreOf: () => 0, stats: () => ({}) as never }
    return Layer.mock(Gossip, {
      ...nothing,
      join: (_, validator) =>
        Effect.gen({ self: this }, function* () {
          const queue = yield* Queue.unbounded<Received>()
          const subscriber = { node: name, validator, queue }
          this.#subscribers.push(subscriber)
          yield* Effect.addFinalizer(() =>
            Effect.sync(() => this.#subscribers.splice(this.#subscribers.indexOf(subscriber), 1))
          )
          return queue
        }),
      publish: (topic, data) => this.gossip(name, topic, data, from)
    })
  }

  readonly gossip = (author: string, topic: Uint8Array, data: Uint8Array, from?: Received["from"]) =>
    Effect.gen({ self: this }, function* () {
      const id = suite.sha256(data)
      const received = { id, topic, author: publicKeyOf(author), issued: 0, data, from } as unknown as Received
      for (const { node, queue, validator } of this.silent ? [] : this.#subscribers) {
        if (node === author) continue
        const verdict = yield* validator(received)
        this.verdicts.push(verdict)
        if (verdict === "accept") yield* Queue.offer(queue, received)
      }
      return { id, neighbours: this.#subscribers.length }
    })
}

/** Lets all that is under way go on until it holds; the library of age answers when the engine's threads have. */
export const until = <E, R>(holds: Effect.Effect<boolean, E, R>) =>
  Effect.gen(function* () {
    for (let turns = 0; turns < 2_000; turns++) {
      if (yield* holds) return
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return yield* Effect.die("it never held")
  })

export const makeWorld = Effect.map(MemoryRoleDirectory.shared(signerOf(AUTHORITY)), (roles) => new World(roles))

/** Three roles, as in the acceptance: the architect reads everything, the reader stores nothing. */
export const threeRoles = {
  developer: { members: ["dev"] },
  architect: { level: "master", reads: ["*"], members: ["arch"] },
  reader: { level: "read-only", members: ["guest"] }
} satisfies Record<string, RoleDraft>

export const ADDRESS = "ucxl://agent-1/developer/allium/storage/decision" as UcxlAddress
