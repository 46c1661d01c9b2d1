/**
 * The `allium` command as an effect: its subcommands, and how usage and failures are said.
 *
 * This file and the flags of the subcommands are loaded at every start, so they import little; what a subcommand needs
 * to work it imports when it is called.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Layer, Logger, Runtime } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"

import { VERSION } from "#schemas/node/version"
import { backend } from "./backend.ts"
import { explain } from "./explain.ts"
import { get } from "./get.ts"
import { init } from "./init.ts"
import { network } from "./network.ts"
import { node } from "./node.ts"
import { peers } from "./peers.ts"
import { pin, pins, unpin } from "./pin.ts"
import { provide } from "./provide.ts"
import { providers } from "./providers.ts"
import { put } from "./put.ts"
import { read } from "./read.ts"
import { role } from "./role.ts"
import { root } from "./root.ts"
import { set } from "./set.ts"
import { sim } from "./sim.ts"
import { status } from "./status.ts"
import { store } from "./store.ts"

const allium = root.pipe(
  Command.withDescription("A private peer-to-peer network: put content on one node, get it from another"),
  Command.withExamples([
    { command: "allium network", description: "Watch five nodes store and find a file" },
    { command: "allium node --local", description: "Run a node of your own for this machine" }
  ]),
  Command.withSubcommands([
    init,
    node,
    put,
    get,
    set,
    read,
    pin,
    unpin,
    pins,
    provide,
    providers,
    role,
    store,
    peers,
    status,
    backend,
    explain,
    network,
    sim
  ])
)

const formatter = CliOutput.defaultFormatter({ globalFlags: "none" })

/** Wrong usage is told in a sentence, with where to read more: the whole help would bury it. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const said = event.errors.map((error) => error.message.trim()).join("; ")
    return Console.error(`error: ${said}; see "${event.commandPath.join(" ")} --help"`)
  }
}

const surroundings = Layer.mergeAll(
  NodeServices.layer,
  CliOutput.layer(formatter),
  CliOutput.layerPresenter(presenter),
  Layer.succeed(CliConfig.CliConfig, { builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.LogLevel] }),
  Layer.succeed(Logger.LogToStderr, true)
)

/** Usage errors were told by the presenter, and end with 2. */
class WrongUsage extends Error {
  override readonly [Runtime.errorExitCode] = 2
  override readonly [Runtime.errorReported] = false
}

/** What the command does when it is given these arguments. */
export const commandLine = (args: ReadonlyArray<string>) =>
  Command.runWith(allium, { version: VERSION })(args).pipe(
    Effect.catchIf(CliError.isCliError, (error) =>
      error._tag === "ShowHelp" && error.errors.length === 0 ? Effect.void : Effect.fail(new WrongUsage())
    ),
    Effect.provide(surroundings)
  )
