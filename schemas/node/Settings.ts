/**
 * What a node can be told: from flags, `ALLIUM_*` and `allium.toml`. Every setting has a default, so `{}` is a node.
 *
 * A plain Struct; `Config.schema(Settings)` reads it from any provider, where numbers and booleans may be text.
 */
import { Effect, Schema, SchemaGetter } from "effect"

const GIB = 1024 ** 3

const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A list, or one text with commas between, as an environment variable has it. */
const TextList = Schema.Union([
  Schema.Array(Schema.String),
  Schema.String.pipe(
    Schema.decodeTo(Schema.Array(Schema.String), {
      decode: SchemaGetter.transform((text) => text.split(",").flatMap((part) => part.trim() || [])),
      encode: SchemaGetter.transform((parts: ReadonlyArray<string>) => parts.join(","))
    })
  )
])

export const NodeMode = Schema.Literals(["client", "server", "auto"])
export type NodeMode = typeof NodeMode.Type

export const Settings = Schema.Struct({
  /** Folder of the keys and the database, made when missing. */
  dataFolder: Schema.NonEmptyString.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(".allium"))),
  /** Part of the network id: nodes of another name do not understand each other. `local` overrides it. */
  network: Schema.NonEmptyString.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed("main"))),
  /** A network on this machine: named "local", and loopback and private addresses are dialled. */
  local: Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(false))),
  /** Multiaddrs to listen on; port 0 takes a free one. None: a node that only dials. */
  listen: TextList.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(["/ip4/0.0.0.0/tcp/0"]))),
  /** Multiaddrs of nodes to begin with, each ending in `/p2p/…`: who answers there must prove to be that node. */
  bootstrap: TextList.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed([]))),
  /** A client keeps nothing for others. `auto`: a server while others reach it where it listens. */
  mode: NodeMode.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed("auto" as const))),
  /** While it serves, carry sealed cells of others on; it never learns both ends. */
  relay: Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(true))),
  /** Nodes that hold a record, at most a bucket's worth. */
  replicationFactor: whole(1, 20).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(5))),
  /** Bytes of records on disk. */
  diskQuota: whole(0, Number.MAX_SAFE_INTEGER).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(10 * GIB))),
  sessionsMax: whole(1, 65_536).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(256))),
  /** Of the control API on 127.0.0.1; 0 takes a free one. */
  controlPort: whole(0, 65_535).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(0))),
  /** Look for nodes at start; off, the node waits to be told. */
  autoBootstrap: Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(true))),
  /** Compare with neighbours, ask holders for proofs and refresh what is kept; off, only when told. */
  enableAutoReplication: Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(true))),
  /** Announce again, before it expires, what this node provides. */
  enableReprovide: Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(true))),
  /** While the network is out of reach, go on with what is known here; what is written waits on this disk alone. */
  fallback: Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(false))),
  /** `did:key:…` of the node whose list of roles holds here; empty: there is no encrypted content under addresses. */
  authority: Schema.String.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(""))),
  /** `full` survives a power cut, `normal` only the end of the process. */
  synchronous: Schema.Literals(["full", "normal"]).pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed("full" as const))
  )
})
export type Settings = typeof Settings.Type

/** Name of the network that these settings lead to. */
export const networkNameOf = (settings: Pick<Settings, "network" | "local">): string =>
  settings.local ? "local" : settings.network
