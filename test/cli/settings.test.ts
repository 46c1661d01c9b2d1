import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { loadSettings, template, variableOf, withSetting } from "../../src/cli/settings.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "allium-settings-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const load = (toml: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}) => {
  writeFileSync(join(folder, "allium.toml"), toml)
  const provider = ConfigProvider.fromEnv({ env })
  return Effect.provideService(loadSettings(folder, flags), ConfigProvider.ConfigProvider, provider)
}

const sentenceOf = (toml: string, env?: Record<string, string>, flags?: Record<string, unknown>) =>
  Effect.map(Effect.flip(load(toml, env, flags)), (error) => error.sentence)

describe("loadSettings", () => {
  it.effect("takes flags before the environment before the file", () =>
    Effect.gen(function* () {
      const toml = 'network = "file"\nreplicationFactor = 3\nsynchronous = "normal"\n'
      const env = { ALLIUM_NETWORK: "environment", ALLIUM_REPLICATION_FACTOR: "4" }
      const settings = yield* load(toml, env, { network: "flag" })
      const { network, replicationFactor, synchronous } = settings
      assert.deepStrictEqual(
        { network, replicationFactor, synchronous },
        {
          network: "flag",
          replicationFactor: 4,
          synchronous: "normal"
        }
      )
    })
  )

  it.effect("reads lists, numbers and switches from the environment", () =>
    Effect.gen(function* () {
      const env = {
        ALLIUM_LISTEN: "/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2",
        ALLIUM_LOCAL: "true",
        ALLIUM_CONTROL_PORT: "9",
        ALLIUM_MODE: ""
      }
      const { controlPort, listen, local, mode } = yield* load("", env)
      assert.deepStrictEqual(
        { controlPort, listen, local, mode },
        {
          controlPort: 9,
          listen: ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"],
          local: true,
          mode: "auto"
        }
      )
    })
  )

  it.effect("listens on a free loopback port on a local network, on one known port elsewhere, unless told", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* load("")).listen, ["/ip4/0.0.0.0/tcp/4150"])
      assert.deepStrictEqual((yield* load("local = true")).listen, ["/ip4/127.0.0.1/tcp/0"])
      assert.deepStrictEqual((yield* load("local = true\nlisten = []")).listen, [])
    })
  )

  it.effect("names what is wrong and where", () =>
    Effect.gen(function* () {
      assert.match(yield* sentenceOf("local = \n"), /allium\.toml.*line 1/)
      assert.match(yield* sentenceOf("colour = 1\n"), /unknown settings: colour; known are network, local/)
      assert.match(yield* sentenceOf("replicationFactor = 21\n"), /replicationFactor/)
      assert.match(yield* sentenceOf("", { ALLIUM_LOCAL: "perhaps" }), /local/)
      assert.match(yield* sentenceOf("", {}, { listen: ["localhost"] }), /"localhost" is not an address/)
      assert.match(yield* sentenceOf("", {}, { bootstrap: ["/ip4/10.0.0.1/tcp/1"] }), /has no \/p2p\/ part/)
    })
  )

  it.effect("takes the did of an authority, and says of any other text what to give", () =>
    Effect.gen(function* () {
      const did = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
      assert.strictEqual((yield* load("", { ALLIUM_AUTHORITY: did })).authority, did)
      assert.strictEqual((yield* load(withSetting(template(), "authority", did))).authority, did)
      assert.strictEqual((yield* load("")).authority, "")
      const sentence = yield* sentenceOf(`authority = "${did.slice(0, -1)}"\n`)
      assert.match(
        sentence,
        /^the setting authority = "did:key:\w+" is not a did:key .*"allium role init" printed there/
      )
    })
  )

  it("changes one setting of the file, whether it was said, shown or neither, and no other line", () => {
    const text = '# a = 1\nauthorityOfNone = 1\nb = "x"'
    assert.strictEqual(
      withSetting(text, "a", "y"),
      '# a = 1\nauthorityOfNone = 1\nb = "x"\n'.replace("# a = 1", 'a = "y"')
    )
    assert.strictEqual(withSetting(text, "b", "y"), '# a = 1\nauthorityOfNone = 1\nb = "y"\n')
    assert.strictEqual(withSetting(`${text}\n\n`, "authority", "y"), `${text}\nauthority = "y"\n`)
    assert.strictEqual(withSetting("", "b", "y"), 'b = "y"\n')
  })

  it.effect("accepts its own template, as it is and with every line uncommented", () =>
    Effect.gen(function* () {
      const untouched = yield* load(template())
      assert.deepStrictEqual(yield* load(template().replaceAll(/^# (\w+ = )/gm, "$1")), untouched)
    })
  )

  it("names the variable of a setting in capitals", () => {
    assert.strictEqual(variableOf("replicationFactor"), "REPLICATION_FACTOR")
  })
})
