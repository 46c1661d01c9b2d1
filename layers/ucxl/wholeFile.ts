/**
 * Files that are written whole or not at all, for their owner only: under another name, synced, then renamed. A crash
 * leaves what was there before. All of it is synchronous, as the files are small and rarely written.
 */
import * as fs from "node:fs"
import { dirname } from "node:path"

const OWNER_ONLY = 0o600
const FOLDER_MODE = 0o700

/** Windows reports permission bits that mean nothing, and syncs no folders. */
export const hasPermissionBits = process.platform !== "win32"

/** Any right of the group or of others. */
const NOT_OWNER = 0o077

/** Of what was not finished before a crash; the next write removes it. */
export const DRAFT = ".new"

/** The system's word for a failure, such as EACCES. */
export const wordOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "an unknown failure"

export interface FoundFile {
  readonly bytes: Uint8Array
  /** Differs once somebody has written the file anew. */
  readonly version: string
  /** Octal permission bits where others than the owner have any. */
  readonly openTo: string | undefined
}

/** Undefined where there is none. Judges the file that it opened, so that nobody can swap it in between. */
export const readWhole = (path: string, limit: number): FoundFile | undefined => {
  const file = openOrNothing(path)
  if (file === undefined) return undefined
  try {
    const stat = fs.fstatSync(file, { bigint: true })
    const mode = Number(stat.mode) & 0o777
    const openTo = hasPermissionBits && (mode & NOT_OWNER) !== 0 ? mode.toString(8) : undefined
    const bytes = new Uint8Array(Math.min(Number(stat.size), limit + 1))
    const length = fs.readSync(file, bytes)
    return { bytes: bytes.subarray(0, length), version: versionOf(stat), openTo }
  } finally {
    fs.closeSync(file)
  }
}

/** Of the file as it stands there; undefined where there is none. */
export const versionAt = (path: string): string | undefined => {
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : versionOf(stat)
}

export const writeWhole = (path: string, bytes: Uint8Array | string, mode = OWNER_ONLY): void => {
  const draft = path + DRAFT
  fs.mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE })
  fs.rmSync(draft, { force: true })
  try {
    const file = fs.openSync(draft, "wx", mode)
    try {
      fs.writeFileSync(file, bytes)
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(draft, path)
  } catch (cause) {
    fs.rmSync(draft, { force: true })
    throw cause
  }
  // The name is durable only with its folder.
  if (hasPermissionBits) syncFolder(dirname(path))
}

const syncFolder = (path: string): void => {
  const folder = fs.openSync(path, "r")
  try {
    fs.fsyncSync(folder)
  } finally {
    fs.closeSync(folder)
  }
}

const versionOf = ({ ino, mtimeNs, size }: fs.BigIntStats): string => `${ino}/${mtimeNs}/${size}`

const openOrNothing = (path: string): number | undefined => {
  try {
    return fs.openSync(path, "r")
  } catch (cause) {
    if (wordOf(cause) === "ENOENT") return undefined
    throw cause
  }
}
