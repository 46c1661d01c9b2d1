/** The command above all others, and the flags and arguments that several of them share. */
import { Config } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { CidFromText } from "#schemas/content/Cid"

/** Yielding it inside a subcommand gives its flags. */
export const root = Command.make("allium").pipe(
  Command.withSharedFlags({
    data: Flag.Directory("data").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("Folder in which the node keeps everything it has (ALLIUM_DATA; ./.allium)"),
      Flag.withFallbackConfig(Config.String("ALLIUM_DATA")),
      Flag.withDefault("./.allium")
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object a line"), Flag.withDefault(false))
  })
)

export const cidArgument = Argument.String("CID").pipe(
  Argument.withDescription("What put printed, beginning with bafk or bafy"),
  Argument.withSchema(CidFromText)
)

export const nameArgument = Argument.String("NAME").pipe(
  Argument.withDescription("Any text of at most 256 bytes, such as greeting")
)

/** In examples. */
export const EXAMPLE = "ucxl://ada/developer/allium/storage/decision"

export const addressArgument = Argument.String("ADDRESS").pipe(
  Argument.withDescription("ucxl://agent/role/project/task/type, each part of a-z, 0-9 and, inside, . _ -")
)

export const anonymousFlag = Flag.Boolean("anonymous").pipe(
  Flag.withDescription("Have another node do it, by an onion route of three relays: no node learns who asks"),
  Flag.withDefault(false)
)

export const localFlag = Flag.Boolean("local").pipe(
  Flag.withDescription("Join the network of this machine: private addresses are dialled, listens on a free port")
)
