/** What each failure is called to the person who typed the command: one sentence, and what to do about it. */
import { failure } from "./Failure.ts"

/** A tagged error of any service, seen from here. */
interface Tagged {
  readonly _tag: string
  readonly message: string
}

const field = (error: object, name: string): unknown => Object.entries(error).find(([key]) => key === name)?.[1]

const refusalsOf = (error: object): string => {
  const refusals = field(error, "refusals")
  if (!Array.isArray(refusals) || refusals.length === 0) return "none answered"
  return refusals.map(({ reason, nodes }) => `${reason} (${nodes})`).join(", ")
}

const told: Readonly<Record<string, (error: Tagged) => string>> = {
  BlobIncomplete: (error) =>
    field(error, "cid") === field(error, "blockCid")
      ? `nobody on the network has ${field(error, "cid")} (${field(error, "asked")} nodes asked): check the CID, or wait for its holder`
      : `a part of ${field(error, "cid")} is missing (${field(error, "blockCid")}, ${field(error, "asked")} nodes asked): try again later`,
  BlobUnreadable: (error) => `${field(error, "cid")} cannot be read: ${field(error, "reason")}`,
  PutRefused: (error) => `no node would store it, ${refusalsOf(error)}: connect to more nodes and try again`,
  InvalidRecord: (error) => `this cannot be stored: ${field(error, "reason")}`,
  StoreFull: (error) =>
    `the node's disk quota of ${field(error, "quotaBytes")} bytes is used up: raise diskQuota in allium.toml and restart it`,
  StorageFailed: (error) =>
    `the node's database failed (${field(error, "operation")}): see its log, and check the disk of its data folder`,
  PrivacyUnavailable: () => "this node has no anonymous routes: leave out --anonymous",
  Unauthorized: () => "the node refused our token: it was just restarted, so try again",
  ListenFailed: (error) =>
    `cannot listen on ${field(error, "address")}, ${field(error, "reason")}: choose another with --listen`,
  ControlUnavailable: (error) =>
    `cannot serve the control API on port ${field(error, "port")} (${field(error, "reason")}): choose another with controlPort`
}

/** Any failure as the command line's own. What is not known here says it itself. */
export const toFailure = (error: Tagged) => failure(told[error._tag]?.(error) ?? error.message)
