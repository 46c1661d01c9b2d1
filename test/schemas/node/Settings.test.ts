import { assert, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Result, Schema } from "effect"
import { networkNameOf, Settings } from "#schemas/node/Settings"

const parse = (provider: ConfigProvider.ConfigProvider) => Config.schema(Settings).parse(provider)
const environment = (env: Record<string, string>) =>
  ConfigProvider.fromEnv({ env }).pipe(ConfigProvider.nested("ALLIUM"), ConfigProvider.constantCase)

it.effect("every setting has a default", () =>
  Effect.gen(function* () {
    const settings = yield* parse(ConfigProvider.fromUnknown({}))
    assert.deepStrictEqual(settings, {
      dataFolder: ".allium",
      network: "main",
      local: false,
      listen: ["/ip4/0.0.0.0/tcp/0"],
      bootstrap: [],
      mode: "auto",
      relay: true,
      replicationFactor: 5,
      diskQuota: 10_737_418_240,
      sessionsMax: 256,
      controlPort: 0,
      autoBootstrap: true,
      enableAutoReplication: true,
      enableReprovide: true,
      fallback: false,
      authority: "",
      synchronous: "full"
    })
    assert.deepStrictEqual(Schema.decodeUnknownSync(Settings)({}), settings)
  })
)

it.effect("the environment sets them as text, lists with commas", () =>
  Effect.gen(function* () {
    const settings = yield* parse(
      environment({
        ALLIUM_REPLICATION_FACTOR: "20",
        ALLIUM_LOCAL: "true",
        ALLIUM_LISTEN: "/ip4/127.0.0.1/tcp/1, /ip6/::1/tcp/2,",
        ALLIUM_MODE: "server"
      })
    )
    assert.strictEqual(settings.replicationFactor, 20)
    assert.isTrue(settings.local)
    assert.deepStrictEqual(settings.listen, ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/2"])
    assert.strictEqual(settings.mode, "server")
  })
)

it.effect("a file sets them as numbers, booleans and lists", () =>
  Effect.gen(function* () {
    const file = {
      replicationFactor: 1,
      autoBootstrap: false,
      bootstrap: ["/ip4/10.0.0.1/tcp/1"],
      synchronous: "normal" as const
    }
    const settings = yield* parse(ConfigProvider.fromUnknown(file))
    assert.deepInclude(settings, file)
  })
)

const wrong: ReadonlyArray<readonly [name: string, value: Record<string, unknown>]> = [
  ["no replicas", { replicationFactor: 0 }],
  ["21 replicas", { replicationFactor: 21 }],
  ["half a session", { sessionsMax: 1.5 }],
  ["a quota below zero", { diskQuota: -1 }],
  ["a port beyond 16 bits", { controlPort: 65_536 }],
  ["an unknown mode", { mode: "both" }],
  ["an empty network name", { network: "" }],
  ["an unknown durability", { synchronous: "off" }]
]
for (const [name, value] of wrong) {
  it(`${name} is refused`, () => assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Settings)(value))))
}

it("local names the network, whatever else it is called", () => {
  assert.strictEqual(networkNameOf({ network: "main", local: true }), "local")
  assert.strictEqual(networkNameOf({ network: "test", local: false }), "test")
})
