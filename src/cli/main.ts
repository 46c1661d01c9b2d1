/** What the launcher loads: runs the command with what this process was told. */
import { commandLine } from "./commandLine.ts"
import { runMain } from "./runMain.ts"

runMain(commandLine(process.argv.slice(2)))
