import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Result, Stream } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { Directory } from "#core/ucxl/Directory"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as ControlServer from "#layers/node/ControlServer"
import { concatBytes, hexOf, utf8 } from "#schemas/bytes/bytes"
import { type Cid, cidOfDigest, cidText, RAW } from "#schemas/content/Cid"
import type { NodeId } from "#schemas/identity/NodeId"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { recipientText } from "#schemas/ucxl/ageKeys"
import type { Role } from "#schemas/ucxl/Role"
import { BlobIncomplete, Blobs } from "#services/content/Blobs"
import { Dht, NotFound, PutRefused } from "#services/dht/Dht"
import { type ContentExplanation, Diagnostics, type PeerExplanation } from "#services/dht/Diagnostics"
import { Membership } from "#services/dht/Membership"
import { Replicator } from "#services/dht/Replicator"
import { Identity } from "#services/identity/Identity"
import { Authorization } from "#services/node/Authorization"
import { Bounds } from "#services/node/Bounds"
import { Control } from "#services/node/Control"
import { CONTROL_FILE, ControlApi } from "#services/node/ControlApi"
import { Node, type NodeStatus } from "#services/node/Node"
import { StorageFailed } from "#services/storage/RecordStore"
import { AuditLog } from "#services/ucxl/AuditLog"
import { EncryptedStore } from "#services/ucxl/EncryptedStore"
import { RoleDirectory, RolesUnavailable } from "#services/ucxl/RoleDirectory"
import { KeysLocked, RoleKeys, WrongPassphrase } from "#services/ucxl/RoleKeys"

const cid = cidOfDigest(RAW, new Uint8Array(32).fill(1))
const unknown = cidOfDigest(RAW, new Uint8Array(32).fill(2))
const refused = cidOfDigest(RAW, new Uint8Array(32).fill(3))
const pinned = cidOfDigest(RAW, new Uint8Array(32).fill(4))
const LEAF = new Uint8Array(32_768).fill(7)

function publicKey(fill: number): PublicKey {
  return new Uint8Array(32).fill(fill) as PublicKey
}

const me = publicKey(1)

const contentStatus = (cid: Cid, target: number) => ({
  cid: cidText(cid),
  target,
  actual: 2,
  healthyProviders: 1,
  lastReprovided: null,
  created: 1,
  size: 10,
  priority: 0,
  health: "degraded" as const,
  local: true
})

const receipt = {
  key: new Uint8Array(32),
  status: "stored" as const,
  reached: 4,
  factor: 5,
  holders: [],
  expires: 2_000,
  lookup: { requests: 3, failures: 0, hops: 1, path: [], milliseconds: 1 }
}

const explanation: ContentExplanation = {
  cid: cidText(cid),
  key: "00",
  local: false,
  localExpires: null,
  pinned: { factor: 3, nextRefresh: 50 },
  target: 3,
  holders: 0,
  health: "critical",
  answers: [
    {
      nodeId: "01",
      address: "",
      closeness: 3,
      expected: true,
      answer: "silent",
      detail: "rpc: timeout",
      milliseconds: 9
    }
  ],
  providers: [],
  lookup: { finished: true, requests: 1, failures: 0, hops: 1, milliseconds: 2, path: ["01"] }
}

const peerExplanation = (nodeId: NodeId, address: Address | undefined): PeerExplanation => ({
  nodeId: hexOf(nodeId),
  bucket: 4,
  standing: "unknown",
  addresses: address === undefined ? [] : [String(address)],
  verifiedAt: null,
  lastSeen: null,
  failures: 0,
  shareable: false,
  session: null,
  dial: { reached: false, layer: "address", reason: "nobody knows" }
})

const status: NodeStatus = {
  did: "did:key:z6Mk",
  nodeId: "00",
  version: "0.0.0",
  network: "local",
  local: true,
  listening: [],
  joined: true,
  sessions: 0,
  contacts: 0,
  mode: "server",
  relays: true,
  records: 0,
  storedBytes: 0,
  replication: {
    kept: 3,
    healthy: 1,
    degraded: 1,
    critical: 0,
    unknown: 1,
    averageReplication: 3.5,
    lastSync: 1_000,
    lastScrub: null
  },
  fallback: null,
  uptimeSeconds: 1,
  memoryBytes: 1
}

const developer = {
  name: "developer",
  level: "execution" as const,
  recipients: [recipientText(new Uint8Array(32).fill(9))],
  canDecrypt: [],
  members: [me]
}
const directory = new Directory(7, [{ ...developer, grants: [new Uint8Array(1)] }])

const roleKey = { role: "developer", recipient: "age1", identity: Redacted.make("AGE-SECRET-KEY-1") }

class World {
  readonly folder = mkdtempSync(join(tmpdir(), "allium-control-"))
  uploaded = 0
  halfOpen = 3
  stopped = false
  /** Entries of this node by name; what is kept, by CID; and what was announced. */
  readonly names = new Map<string, Uint8Array>()
  readonly pins = new Map<string, number>()
  readonly roles: Array<string> = []
  published: ReadonlyArray<Role> = []
  readonly audited: Array<string> = []

  readonly layer = ControlServer.layer({
    folder: this.folder,
    port: 0,
    stop: Effect.sync(() => {
      this.stopped = true
    })
  }).pipe(
    Layer.provide([
      NodeCrypto.layer,
      NodeRandom.layer,
      Layer.succeed(Bounds, {
        watch: () => Effect.void,
        list: () => [{ name: "half-open connections", limit: 256, size: () => this.halfOpen }]
      }),
      Layer.mock(Node, { status: Effect.succeed(status), peers: Effect.succeed([]) }),
      Layer.mock(Dht, {
        findProviders: () => Effect.succeed([]),
        provide: () =>
          Effect.fail(new PutRefused({ key: new Uint8Array(32), refusals: [{ reason: "Quota", nodes: 3 }] })),
        putName: (name, value) => {
          this.names.set(name, value)
          return Effect.succeed({ ...receipt, seq: this.names.size, author: me })
        },
        getName: (name) => {
          const value = this.names.get(name)
          const times = { issued: 1, expires: 2, role: 0, seq: 1 }
          return value === undefined
            ? Effect.fail(new NotFound({ key: new Uint8Array(32), asked: 7 }))
            : Effect.succeed([
                { value, author: me, ...times },
                { value: Uint8Array.of(9), author: publicKey(2), ...times }
              ])
        }
      }),
      Layer.mock(Replicator, {
        addContent: (asked, { factor = 5 } = {}) =>
          cidText(asked) === cidText(unknown)
            ? Effect.fail(new NotFound({ key: new Uint8Array(32), asked: 4 }))
            : Effect.sync(() => void this.pins.set(cidText(asked), factor)),
        removeContent: (asked) => Effect.sync(() => void this.pins.delete(cidText(asked))),
        status: (asked) =>
          Effect.suspend(() => {
            const factor = this.pins.get(cidText(asked))
            return factor === undefined
              ? Effect.fail(new NotFound({ key: new Uint8Array(32), asked: 0 }))
              : Effect.succeed(contentStatus(asked, factor))
          }),
        list: () => Effect.succeed([contentStatus(pinned, 5)])
      }),
      Layer.succeed(Diagnostics, {
        content: () => Effect.succeed(explanation),
        peer: (nodeId, address) => Effect.succeed(peerExplanation(nodeId, address))
      }),
      Layer.succeed(Membership, {
        registerPeer: () => Effect.die("not asked"),
        announceRole: (role) =>
          Effect.as(
            Effect.sync(() => this.roles.push(role)),
            receipt
          ),
        announceCapability: () => Effect.die("not asked"),
        withdrawRole: (role) => Effect.sync(() => void this.roles.splice(this.roles.indexOf(role), 1)),
        withdrawCapability: () => Effect.die("not asked"),
        findPeersByRole: () =>
          Effect.succeed([{ nodeId: new Uint8Array(32) as NodeId, publicKey: me, issued: 1, expires: 2 }]),
        findPeersByCapability: () => Effect.die("not asked"),
        isBootstrapped: () => true,
        mode: () => "server",
        stats: Effect.die("not asked")
      }),
      Layer.succeed(Identity, { did: didOf(me), publicKey: me } as Identity["Service"]),
      Layer.mock(RoleDirectory, {
        authority: me,
        current: Effect.succeed(directory),
        refresh: Effect.fail(new RolesUnavailable({ reason: "nobody answers" })),
        publish: (roles) =>
          Effect.sync(() => {
            this.published = roles
            return { ...receipt, seq: 8, author: me }
          })
      }),
      Layer.mock(EncryptedStore, {}),
      Layer.mock(AuditLog, {
        append: ({ operation, outcome, reason }) => {
          this.audited.push(`${operation} ${outcome} ${reason}`)
          return Effect.fail(new StorageFailed({ operation: "append", cause: "a full disk undoes nothing" }))
        }
      }),
      Layer.mock(RoleKeys, {
        list: Effect.succeed([roleKey]),
        add: (role) => Effect.succeed({ ...roleKey, role }),
        unlock: () => Effect.fail(new WrongPassphrase({ file: "roles.key" })),
        seal: (passphrase) =>
          passphrase === undefined ? Effect.fail(new KeysLocked({ file: "roles.key" })) : Effect.void
      }),
      Layer.mock(Blobs, {
        put: (content) =>
          Stream.runForEach(content, (bytes) => Effect.sync(() => (this.uploaded += bytes.length))).pipe(
            Effect.map(() => ({
              cid,
              bytes: this.uploaded,
              blocks: 1,
              status: "stored" as const,
              replicas: 1,
              factor: 5,
              holders: [],
              expires: 1_000
            }))
          ),
        get: (asked, options) =>
          cidText(asked) === cidText(unknown)
            ? Stream.fail(new BlobIncomplete({ cid: cidText(asked), blockCid: cidText(asked), at: 0, asked: 4 }))
            : Stream.range(1, 64).pipe(
                Stream.mapEffect((index) =>
                  Effect.sync(() => {
                    options?.onProgress?.({ bytes: index * LEAF.length, total: 64 * LEAF.length, blocks: index })
                    return LEAF
                  })
                )
              )
      })
    ])
  )

  readonly run = <A, E>(effect: Effect.Effect<A, E, Control>) =>
    Effect.provide(effect, this.layer).pipe(
      Effect.ensuring(Effect.sync(() => rmSync(this.folder, { recursive: true, force: true })))
    )

  readonly announced = (): { readonly url: string; readonly token: string; readonly pid: number } =>
    JSON.parse(readFileSync(join(this.folder, CONTROL_FILE), "utf8"))

  readonly client = (token?: string) =>
    Effect.suspend(() => {
      const announced = this.announced()
      return HttpApiClient.make(ControlApi, { baseUrl: announced.url }).pipe(
        Effect.provide([
          HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
            next(HttpClientRequest.bearerToken(request, token ?? announced.token))
          ),
          FetchHttpClient.layer
        ])
      )
    })
}

/** What a raw request with these headers is answered: status and headers. */
const ask = (url: string, headers: Record<string, string>, method = "GET", body?: unknown) =>
  Effect.promise(
    () =>
      new Promise<{ readonly status: number | undefined; readonly headers: Record<string, unknown> }>(
        (resolve, reject) => {
          const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" }
          request(url, { method, headers: { ...headers, ...type } }, (response) => {
            response.resume()
            resolve({ status: response.statusCode, headers: response.headers })
          })
            .on("error", reject)
            .end(body === undefined ? undefined : JSON.stringify(body))
        }
      )
  )

describe("ControlServer", () => {
  it.live("says where it is in a file for its owner only, and removes it at the end", () =>
    Effect.gen(function* () {
      const world = new World()
      const file = join(world.folder, CONTROL_FILE)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(world.layer)
          assert.strictEqual(statSync(file).mode & 0o777, 0o600)
          assert.strictEqual(world.announced().pid, process.pid)
          assert.match(world.announced().url, /^http:\/\/127\.0\.0\.1:\d+$/)
        })
      )
      assert.isFalse(existsSync(file))
      rmSync(world.folder, { recursive: true })
    })
  )

  it.live("answers its typed client, and nobody without the token", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const { url } = yield* Control
        assert.deepStrictEqual(yield* (yield* world.client()).status(), status)
        const error = yield* Effect.flip((yield* world.client("0".repeat(64))).status())
        assert.strictEqual(error._tag, "Unauthorized")
        assert.strictEqual((yield* ask(`${url}/status`, {})).status, 401)
      })
    )
  })

  it.live("refuses another Host, sends no CORS header, and serves its description", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const { url } = yield* Control
        const { token } = world.announced()
        const authorization = `Bearer ${token}`
        assert.strictEqual((yield* ask(`${url}/status`, { authorization, host: "evil.example" })).status, 421)
        assert.strictEqual((yield* ask(`${url}/openapi.json`, { host: "evil.example" })).status, 421)
        const answer = yield* ask(`${url}/status`, { authorization, origin: "http://evil.example" })
        assert.isUndefined(answer.headers["access-control-allow-origin"])
        assert.strictEqual((yield* ask(`${url}/openapi.json`, {})).status, 200)
      })
    )
  })

  it.live("streams content in and out", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const client = yield* world.client()
        const payload = Stream.fromArray(Array.from({ length: 64 }, () => LEAF))
        const receipt = yield* client.put({ payload, query: {} })
        assert.deepStrictEqual([receipt.cid, world.uploaded], [cidText(cid), 64 * LEAF.length])
        const { body, headers } = yield* client.get({ params: { cid }, query: {} })
        assert.strictEqual(headers["x-allium-bytes"], 64 * LEAF.length)
        assert.strictEqual(concatBytes(yield* Stream.runCollect(body)).length, 64 * LEAF.length)
      })
    )
  })

  it.live("passes failures on as what they are", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const client = yield* world.client()
        const missing = yield* Effect.flip(client.get({ params: { cid: unknown }, query: {} }))
        assert.deepInclude(missing, { _tag: "BlobIncomplete", asked: 4 })
        const full = yield* Effect.flip(client.provide({ params: { cid: refused } }))
        assert.deepInclude(full, { _tag: "PutRefused", refusals: [{ reason: "Quota", nodes: 3 }] })
      })
    )
  })

  it.live("sets, reads and deletes a name, whatever its letters", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const client = yield* world.client()
        const name = "menü/of the day?&=#"
        const value = utf8("soup")
        assert.deepInclude(yield* client.setName({ payload: { name, value } }), {
          name,
          replicas: 4,
          factor: 5,
          seq: 1
        })
        const [own, other] = yield* client.readName({ query: { name } })
        assert.deepInclude(own, { name, value, author: didOf(me), own: true })
        assert.deepInclude(other, { own: false, author: didOf(publicKey(2)) })
        yield* client.deleteName({ query: { name } })
        assert.strictEqual(world.names.get(name)?.length, 0)
        const missing = yield* Effect.flip(client.readName({ query: { name: "nothing" } }))
        assert.deepInclude(missing, { _tag: "NotFound", asked: 7 })
      })
    )
  })

  it.live("pins and unpins content, and says of what is not pinned that it is not", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const client = yield* world.client()
        const byDefault = yield* client.pin({ params: { cid: pinned }, payload: {} })
        assert.deepInclude(byDefault, { cid: cidText(pinned), target: 5, health: "degraded" })
        assert.deepInclude(yield* client.pin({ params: { cid: pinned }, payload: { factor: 2 } }), { target: 2 })
        assert.deepStrictEqual(yield* client.pins(), [contentStatus(pinned, 5)])
        yield* client.unpin({ params: { cid: pinned } })
        assert.strictEqual(world.pins.size, 0)
        assert.strictEqual((yield* Effect.flip(client.unpin({ params: { cid: pinned } })))._tag, "NotFound")
        const missing = yield* Effect.flip(client.pin({ params: { cid: unknown }, payload: {} }))
        assert.strictEqual(missing._tag, "NotFound")
      })
    )
  })

  it.live("explains content and peers, and announces and finds roles", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const client = yield* world.client()
        assert.deepStrictEqual(yield* client.explainContent({ params: { cid } }), explanation)
        const nodeId = new Uint8Array(32).fill(6) as NodeId
        const address = Result.getOrThrow(parseAddress("/ip4/127.0.0.1/tcp/4150"))
        const unasked = yield* client.explainPeer({ params: { nodeId }, query: {} })
        assert.deepStrictEqual(unasked, peerExplanation(nodeId, undefined))
        const asked = yield* client.explainPeer({ params: { nodeId }, query: { address } })
        assert.deepStrictEqual(asked.addresses, ["/ip4/127.0.0.1/tcp/4150"])
        const announced = yield* client.announceRole({ payload: { role: "printer" } })
        assert.deepStrictEqual(announced, { role: "printer", status: "stored", replicas: 4, factor: 5, expires: 2_000 })
        assert.deepStrictEqual(world.roles, ["printer"])
        const [found] = yield* client.findRole({ query: { role: "printer" } })
        assert.deepInclude(found, { did: didOf(me), issued: 1, expires: 2 })
        yield* client.withdrawRole({ query: { role: "printer" } })
        assert.deepStrictEqual(world.roles, [])
      })
    )
  })

  it.live("tells of roles and who has them, publishes those of roles.toml, and never tells a secret key", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const { roles } = yield* world.client()
        const found = yield* roles.list()
        assert.deepInclude(found, { authority: didOf(me), isAuthority: true, seq: 7 })
        const { grants: _, ...listed } = directory.roles[0]!
        const status = { ...listed, members: [didOf(me)], readers: ["developer"], own: true, grantExpires: null }
        assert.deepStrictEqual(found.roles, [status])
        const holders = yield* roles.holders({ params: { role: "developer" } })
        assert.deepInclude(holders.announced[0], { did: didOf(me), issued: 1, expires: 2 })
        const unknown = yield* Effect.flip(roles.holders({ params: { role: "nobody" } }))
        assert.deepInclude(unknown, { _tag: "UnknownRole", role: "nobody", known: ["developer"] })

        assert.deepInclude(yield* Effect.flip(roles.publish()), {
          _tag: "RolesInvalid",
          reason: "there is no roles.toml"
        })
        writeFileSync(join(world.folder, "roles.toml"), '[roles.reader]\nlevel = "high"\n')
        assert.deepInclude(yield* Effect.flip(roles.publish()), { _tag: "RolesInvalid", role: "reader" })
        writeFileSync(join(world.folder, "roles.toml"), '[roles.reader]\nlevel = "read-only"\n')
        const published = { seq: 8, roles: 1, status: "stored", replicas: 4, factor: 5, expires: 2_000 }
        assert.deepStrictEqual(yield* roles.publish(), published)
        assert.deepStrictEqual(
          world.published.map(({ name }) => name),
          ["reader"]
        )
        assert.deepStrictEqual(world.audited, ["roles failed RolesInvalid", "roles failed RolesInvalid", "roles done "])

        assert.deepStrictEqual(yield* roles.keys(), [{ role: "developer", recipient: "age1" }])
        assert.deepStrictEqual(yield* roles.addKey({ payload: { role: "tester" } }), {
          role: "tester",
          recipient: "age1"
        })
        const wrong = yield* Effect.flip(roles.unlockKeys({ payload: { passphrase: "x" } }))
        assert.strictEqual(wrong._tag, "WrongPassphrase")
        yield* roles.sealKeys({ payload: { passphrase: "x" } })
        const locked = yield* Effect.flip(roles.sealKeys({ payload: { passphrase: null } }))
        assert.strictEqual(locked._tag, "KeysLocked")
      })
    )
  })

  it.live("refuses what is no CID, no node, no name and no value, before any service hears of it", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const { url } = yield* Control
        const send = (method: string, path: string, body?: unknown) =>
          ask(`${url}${path}`, { authorization: `Bearer ${world.announced().token}` }, method, body)
        const value = (length: number) => Buffer.alloc(length, 1).toString("base64")
        const long = "ä".repeat(129)
        const bad = [
          yield* send("GET", "/explain/content/hello"),
          yield* send("PUT", "/pins/hello", {}),
          yield* send("PUT", `/pins/${cidText(pinned)}`, { factor: 21 }),
          yield* send("DELETE", "/pins/hello"),
          yield* send("GET", "/explain/peers/0123"),
          yield* send("GET", `/explain/peers/${"0".repeat(64)}?address=nowhere`),
          yield* send("GET", `/names?name=${encodeURIComponent(long)}`),
          yield* send("GET", "/names?name="),
          yield* send("POST", "/names", { name: long, value: value(1) }),
          yield* send("POST", "/names", { name: "x", value: value(1_025) }),
          yield* send("POST", "/names", { name: "x", value: "" }),
          yield* send("POST", "/names", { name: "x", value: "no base64!" }),
          yield* send("POST", "/roles", { role: "r".repeat(60) })
        ]
        assert.deepStrictEqual(
          bad.map((it) => it.status),
          bad.map(() => 400)
        )
        assert.deepStrictEqual([world.names.size, world.pins.size, world.roles.length], [0, 0, 0])
        const good = [
          yield* send("POST", "/names", { name: "n".repeat(256), value: value(1_024) }),
          yield* send("POST", "/roles", { role: "r".repeat(59) })
        ]
        assert.deepStrictEqual(
          good.map((it) => it.status),
          [200, 200]
        )
      })
    )
  })

  it.live("shows in its metrics how full a collection is at the time, and its limit", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const client = yield* world.client()
        assert.include(yield* client.metrics(), 'allium_bounded_size{collection="half-open connections"} 3')
        world.halfOpen = 7
        const metrics = yield* client.metrics()
        assert.include(metrics, 'allium_bounded_size{collection="half-open connections"} 7')
        assert.include(metrics, 'allium_bounded_limit{collection="half-open connections"} 256')
      })
    )
  })

  it.live("begins the end when asked to stop", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        yield* (yield* world.client()).stop()
        assert.isTrue(world.stopped)
      })
    )
  })

  it.live("fails when its port is taken", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const port = Number(new URL((yield* Control).url).port)
        const second = ControlServer.layer({ folder: world.folder, port, stop: Effect.void }).pipe(
          Layer.provide([
            NodeCrypto.layer,
            NodeRandom.layer,
            Layer.mock(Node, {}),
            Layer.mock(Dht, {}),
            Layer.mock(Blobs, {}),
            Layer.mock(Replicator, {}),
            Layer.mock(Diagnostics, {}),
            Layer.mock(RoleDirectory, { authority: undefined }),
            Layer.mock(EncryptedStore, {}),
            Layer.mock(AuditLog, {}),
            Layer.mock(RoleKeys, {}),
            Layer.succeed(Membership, {} as Membership["Service"]),
            Layer.succeed(Identity, {} as Identity["Service"])
          ])
        )
        const error = yield* Effect.flip(Effect.scoped(Layer.build(second)))
        assert.deepInclude(error, { _tag: "ControlUnavailable", port })
      })
    )
  })
})
