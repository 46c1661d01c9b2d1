/**
 * What the commands print: data to stdout, everything said besides to stderr. With `--json` each datum is one JSON
 * object on a line of its own.
 */
import { Effect } from "effect"
import type { PutStatus } from "#services/dht/Dht"

/** Colours only where a person looks, and not where they said no (https://no-color.org). */
const inColour = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb"

const paint = (stream: NodeJS.WriteStream) => {
  const colour = (code: number) => (text: string) => (inColour(stream) ? `\x1b[${code}m${text}\x1b[0m` : text)
  return { bold: colour(1), dim: colour(2), red: colour(31), green: colour(32), yellow: colour(33), cyan: colour(36) }
}

export const paintOut = paint(process.stdout)
export const paintErr = paint(process.stderr)

/** A line of data. */
export const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

/** Bytes as they are; waits until the reader of our output has taken them. */
export const write = (bytes: Uint8Array): Effect.Effect<void> =>
  Effect.callback((resume) => void process.stdout.write(bytes, () => resume(Effect.void)))

/** A stranger's text without what would steer a terminal: each control and format character as its code. */
export const harmless = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/** A line for whoever watches. */
export const note = (line: string) => Effect.sync(() => void process.stderr.write(`${line}\n`))

export const sayJson = (value: object) => say(JSON.stringify(value))

/** One datum, for machines or for people. */
export const tell = <A extends object>(json: boolean, value: A, text: (value: A) => string) =>
  say(json ? JSON.stringify(value) : text(value))

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"]

/** "1.5 MiB". */
export const size = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`
}

/** "2 d 3 h", "5 min 12 s", "340 ms". */
export const duration = (milliseconds: number): string => {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1_000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600), Math.floor(seconds / 86_400)]
  if (hours < 1) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return days < 1 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`
}

/** "3 min 5 s ago" of a time in unix seconds, "never" for null. */
export const ago = (then: number | null, now: number): string =>
  then === null ? "never" : `${duration(Math.max(0, now - then) * 1_000)} ago`

/** "lives another 2 d 3 h" of a time in unix seconds. */
export const lifetime = (expires: number, now: number): string =>
  expires <= now ? "has expired" : `lives another ${duration((expires - now) * 1_000)}`

/** "1 node", "2 nodes"; `many` where an s will not do. */
export const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`

/** What a record came to: "set on 4 nodes of 5 wanted", or that it waits. */
export const storedText = (
  done: string,
  { factor, replicas, status }: { readonly status: PutStatus; readonly replicas: number; readonly factor: number }
): string => (status === "queued" ? `queued: ${QUEUED}` : `${done} on ${count(replicas, "node")} of ${factor} wanted`)

/** Of what nobody else can have yet. */
export const QUEUED = `it waits on this node until the network is in reach, and others may not find it before; see "allium backend"`

/** Columns of a name and the space behind it. */
const NAMES = 13

/** Rows of a name and a value, one below the other. */
export const table = (rows: ReadonlyArray<readonly [string, string]>): string =>
  rows
    .map(([name, value]) => `${paintOut.dim(name.padEnd(NAMES))}${value.replaceAll("\n", `\n${" ".repeat(NAMES)}`)}`)
    .join("\n")
