/** Imports point one way, by room (docs/architecture.md); and what the rooms promise of themselves. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { builtinModules } from "node:module"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("..", import.meta.url))

/** From the lowest to the highest: a room may import itself and what stands before it. */
const ROOMS = ["schemas", "src/core", "services", "layers", "src"] as const
type Room = (typeof ROOMS)[number]

const roomOf = (path: string): Room | undefined => ROOMS.find((room) => path.startsWith(`${room}/`))

const sources = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`
    if (statSync(join(root, path)).isDirectory()) return sources(path)
    return /\.(ts|js|mjs)$/.test(name) ? [path] : []
  })

const importsOf = (text: string): ReadonlyArray<string> =>
  [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(\s*["']([^"']+)["']|(?:^|\n)import\s+["']([^"']+)["']/g
    )
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "")

/** The file that an import names, from the root; undefined for a package. */
const target = (from: string, specifier: string): string | undefined => {
  if (specifier.startsWith("#core/")) return `src/core/${specifier.slice(6)}`
  if (specifier.startsWith("#")) return specifier.slice(1)
  if (specifier.startsWith(".")) return relative(root, join(root, from, "..", specifier))
  return undefined
}

const files = ["schemas", "services", "layers", "src"].flatMap(sources)
const edges = files.flatMap((from) =>
  importsOf(readFileSync(join(root, from), "utf8")).map((specifier) => ({
    from,
    specifier,
    to: target(from, specifier)
  }))
)

const packageOf = (specifier: string) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
const outside = (room: Room) => edges.filter((edge) => edge.to === undefined && roomOf(edge.from) === room)
const isNode = (specifier: string) => specifier.startsWith("node:") || builtinModules.includes(specifier)

describe("architecture", () => {
  it("sees the imports it judges", () => {
    assert.deepStrictEqual(
      importsOf(
        'import { a } from "x"\nimport type {\n  B\n} from "#core/y"\nexport * from "./z.ts"\nawait import("w")\nimport "v"'
      ),
      ["x", "#core/y", "./z.ts", "w", "v"]
    )
    assert.isAbove(edges.length, 100)
  })

  it("lets no room import from one above it", () => {
    const upward = edges.filter(({ from, to }) => {
      const room = to === undefined ? undefined : roomOf(to)
      return room !== undefined && ROOMS.indexOf(room) > ROOMS.indexOf(roomOf(from)!)
    })
    assert.deepStrictEqual(upward, [])
  })

  it("reaches other rooms by their name and the own room's folder by a path", () => {
    const crossing = edges.filter(
      ({ from, specifier, to }) => specifier.startsWith(".") && roomOf(to!) !== roomOf(from)
    )
    // The launcher alone chooses between the sources and the bundle.
    assert.deepStrictEqual(
      crossing.filter(({ from }) => from !== "src/cli/allium.js"),
      []
    )
  })

  it("keeps node's own modules out of schemas, core and services, so that a browser can have them", () => {
    const bound = [...outside("schemas"), ...outside("src/core"), ...outside("services")]
    assert.deepStrictEqual(
      bound.filter(({ specifier }) => isNode(specifier)),
      []
    )
  })

  it("gives schemas the format libraries and core the data modules only", () => {
    const allowed: Record<string, ReadonlyArray<string>> = {
      schemas: ["effect", "multiformats", "@multiformats/multiaddr"],
      "src/core": ["effect", "@noble/curves", "@noble/ciphers", "@noble/hashes"],
      services: ["effect"]
    }
    for (const [room, packages] of Object.entries(allowed)) {
      const strangers = outside(room as Room).filter(({ specifier }) => !packages.includes(packageOf(specifier)))
      assert.deepStrictEqual(strangers, [], room)
    }
  })

  it("keeps effects, time and chance out of core", () => {
    const impure =
      /\b(Effect|Layer|Context)\.|\bDate\b\.|\bnew Date\b|Math\.random|setTimeout|setInterval|\bfetch\(|Promise|async /
    const guilty = sources("src/core").filter((path) => impure.test(withoutComments(path)))
    assert.deepStrictEqual(guilty, [])
  })

  it("lets nothing below the programs read the machine's clock, chance or environment", () => {
    const unseen = /Date\.now\(|Math\.random\(|setTimeout\(|setInterval\(|crypto\.subtle|process\.env/
    const below = ["schemas", "services", "layers"].flatMap(sources)
    assert.deepStrictEqual(
      below.filter((path) => unseen.test(withoutComments(path))),
      []
    )
  })

  it("provides requirements in the composition roots only", () => {
    const layers = sources("layers").filter((path) => !path.startsWith("layers/node/"))
    assert.deepStrictEqual(
      layers.filter((path) => /Layer\.provide\(/.test(withoutComments(path))),
      []
    )
  })

  it("opens every file with what it is for", () => {
    const silent = files.filter((path) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(readFileSync(join(root, path), "utf8")))
    assert.deepStrictEqual(silent, [])
  })
})

function withoutComments(path: string): string {
  return readFileSync(join(root, path), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")
}
