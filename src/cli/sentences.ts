/** What each failure is called to the person who typed the command: one sentence, and what to do about it. */
import type { SchemaError } from "effect/Schema"
import type { BlobIncomplete, BlobUnreadable } from "#services/content/Blobs"
import type { BootstrapFailed } from "#services/dht/Bootstrap"
import type { NotFound, PutError, PutRefused } from "#services/dht/Dht"
import type { KeyStoreError } from "#services/identity/KeyStore"
import type { Unauthorized } from "#services/node/Authorization"
import type { ControlUnavailable } from "#services/node/Control"
import type { InvalidAddress } from "#services/node/Node"
import type { DatabaseUnusable, DataFolderInUse } from "#services/storage/DataFolder"
import type { ListenFailed } from "#services/transport/Transport"
import type { AuthorityInvalid } from "#services/ucxl/RoleDirectory"
import { type Failure, failure } from "./Failure.ts"
import { isRoleError, type RoleError, roleSentence } from "./roleSentences.ts"
import { isStoreError, type StoreError, storeSentence } from "./storeSentences.ts"

/** These say it themselves. */
type Told = Failure | KeyStoreError | DataFolderInUse | DatabaseUnusable | InvalidAddress | AuthorityInvalid

export type Tellable =
  | Told
  | PutError
  | NotFound
  | BlobIncomplete
  | BlobUnreadable
  | BootstrapFailed
  | Unauthorized
  | ListenFailed
  | ControlUnavailable
  | SchemaError
  | RoleError
  | StoreError

const missing = ({ asked, blockCid, cid }: BlobIncomplete): string =>
  blockCid === cid
    ? `nobody on the network has ${cid} (${asked} nodes asked): check the CID, or wait for its holder`
    : `a part of ${cid} is missing (${blockCid}, ${asked} nodes asked): try again later`

const refused = ({ refusals }: PutRefused): string => {
  if (refusals[0]?.reason === "OutboxFull")
    return `the network is out of reach, and no more can wait for it on this node: see "allium backend", and try again when it is back`
  const why = refusals.map(({ nodes, reason }) => `${reason} (${nodes})`).join(", ")
  return `no node would store it, ${why === "" ? "none answered" : why}: connect to more nodes and try again`
}

const sentence = (error: Tellable): string => {
  if (isRoleError(error)) return roleSentence(error)
  if (isStoreError(error)) return storeSentence(error)
  switch (error._tag) {
    case "BlobIncomplete":
      return missing(error)
    case "BlobUnreadable":
      return `${error.cid} cannot be read: ${error.reason}`
    case "NotFound":
      return `nobody on the network has it (${error.asked} nodes asked): check its name, or wait for its holder`
    case "PutRefused":
      return refused(error)
    case "InvalidRecord":
      return `this cannot be stored: ${error.reason}`
    case "StoreFull":
      return `the node's disk quota of ${error.quotaBytes} bytes is used up: raise diskQuota in allium.toml and restart it`
    case "StorageFailed":
      return `the node's database failed (${error.operation}): see its log, and check the disk of its data folder`
    case "PrivacyUnavailable":
      return `this cannot be done anonymously: ${error.reason}`
    case "BootstrapFailed":
      return `none of the bootstrap nodes could be reached: ${error.tried.map((it) => `${it.address} (${it.reason})`).join(", ")}`
    case "Unauthorized":
      return "the node refused our token: it was restarted just now, so try again"
    case "ListenFailed":
      return `cannot listen on ${error.address}, it is ${error.reason}: choose another with --listen`
    case "ControlUnavailable":
      return `cannot serve the control API on port ${error.port} (${error.reason}): choose another with controlPort`
    case "SchemaError":
      return `the node's answer cannot be understood (${error.message}): is it of another version?`
    default:
      return error.message
  }
}

export const toFailure = (error: Tellable): Failure => (error._tag === "Failure" ? error : failure(sentence(error)))
