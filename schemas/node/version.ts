/** The version of this package, as package.json has it: for `--version`, the status, and the agent told to peers. */
export const VERSION = "0.1.0"

/** What a node calls itself in handshakes. */
export const AGENT = `allium/${VERSION}`
