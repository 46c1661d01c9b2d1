import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as ControlServer from "#layers/node/ControlServer"
import { concatBytes } from "#schemas/bytes/bytes"
import { cidOfDigest, cidText, RAW } from "#schemas/content/Cid"
import { BlobIncomplete, Blobs } from "#services/content/Blobs"
import { Dht, PutRefused } from "#services/dht/Dht"
import { Bounds } from "#services/node/Bounds"
import { Control } from "#services/node/Control"
import { Authorization, CONTROL_FILE, ControlApi } from "#services/node/ControlApi"
import { Node, type NodeStatus } from "#services/node/Node"

const cid = cidOfDigest(RAW, new Uint8Array(32).fill(1))
const unknown = cidOfDigest(RAW, new Uint8Array(32).fill(2))
const refused = cidOfDigest(RAW, new Uint8Array(32).fill(3))
const LEAF = new Uint8Array(32_768).fill(7)

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
  records: 0,
  storedBytes: 0,
  uptimeSeconds: 1,
  memoryBytes: 1
}

class World {
  readonly folder = mkdtempSync(join(tmpdir(), "allium-control-"))
  uploaded = 0
  halfOpen = 3
  stopped = false

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
          Effect.fail(new PutRefused({ key: new Uint8Array(32), refusals: [{ reason: "Quota", nodes: 3 }] }))
      }),
      Layer.mock(Blobs, {
        put: (content) =>
          Stream.runForEach(content, (bytes) => Effect.sync(() => (this.uploaded += bytes.length))).pipe(
            Effect.map(() => ({ cid, bytes: this.uploaded, blocks: 1, replicas: 1, factor: 5 }))
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
const ask = (url: string, headers: Record<string, string>) =>
  Effect.promise(
    () =>
      new Promise<{ readonly status: number | undefined; readonly headers: Record<string, unknown> }>(
        (resolve, reject) => {
          request(url, { headers }, (response) => {
            response.resume()
            resolve({ status: response.statusCode, headers: response.headers })
          })
            .on("error", reject)
            .end()
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
            Layer.mock(Blobs, {})
          ])
        )
        const error = yield* Effect.flip(Effect.scoped(Layer.build(second)))
        assert.deepInclude(error, { _tag: "ControlUnavailable", port })
      })
    )
  })
})
