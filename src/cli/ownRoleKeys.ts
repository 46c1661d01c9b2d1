/**
 * This node's keys of roles, for the command line: by the node that runs on the folder, so that one writes at a time, else
 * in the file itself. Secret keys go into the node and never come out of it: an export reads the file.
 */
import { Context, Effect, Layer, Redacted } from "effect"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as FileRoleKeys from "#layers/ucxl/FileRoleKeys"
import type { RoleKeyStatus } from "#services/node/RolesApi"
import { type RoleKey, RoleKeys } from "#services/ucxl/RoleKeys"
import { mayRun } from "./authority.ts"
import { ask } from "./client.ts"
import { askPassphrase } from "./passphrase.ts"
import { toFailure } from "./sentences.ts"

const keyFile = (data: string) =>
  Layer.build(FileRoleKeys.layerConfig(data).pipe(Layer.provide([NodeCrypto.layer, NodeRandom.layer]))).pipe(
    Effect.map((services) => Context.get(services, RoleKeys))
  )

/** Opened by a passphrase where it wants one. */
const openFile = Effect.fnUntraced(function* (data: string) {
  const keys = yield* keyFile(data)
  yield* Effect.catchTag(keys.list, "KeysLocked", () => Effect.flatMap(askPassphrase, keys.unlock))
  return keys
})

const statusOf = ({ recipient, role }: RoleKey): RoleKeyStatus => ({ role, recipient })

/** Of one role, the latest last; of all of them where none is named. */
export const listKeys = Effect.fnUntraced(function* (data: string, role?: string) {
  const keys = mayRun(data)
    ? yield* ask(data, "looking at the keys of roles", (client) => client.roles.keys())
    : (yield* secretKeys(data)).map(statusOf)
  return role === undefined ? keys : keys.filter((key) => key.role === role)
})

/** With their secrets, from the file. */
export const secretKeys = (data: string) =>
  Effect.scoped(Effect.flatMap(openFile(data), ({ list }) => list)).pipe(Effect.mapError(toFailure))

export const addKey = (data: string, role: string, identity?: Redacted.Redacted<string>) =>
  mayRun(data)
    ? ask(data, `making a key of ${role}`, (client) =>
        client.roles.addKey({
          payload: { role, ...(identity === undefined ? {} : { identity: Redacted.value(identity) }) }
        })
      )
    : Effect.scoped(Effect.flatMap(openFile(data), ({ add }) => add(role, identity))).pipe(
        Effect.map(statusOf),
        Effect.mapError(toFailure)
      )

/** The recipient of the latest key of a role, which is made where there is none. */
export const ownRecipient = Effect.fnUntraced(function* (data: string, role: string) {
  const last = (yield* listKeys(data, role)).at(-1)
  return (last ?? (yield* addKey(data, role))).recipient
})

export const sealKeys = (data: string, passphrase: Redacted.Redacted<string> | undefined) =>
  mayRun(data)
    ? ask(data, "sealing the keys of roles", (client) =>
        client.roles.sealKeys({
          payload: { passphrase: passphrase === undefined ? null : Redacted.value(passphrase) }
        })
      )
    : Effect.scoped(Effect.flatMap(openFile(data), ({ seal }) => seal(passphrase))).pipe(Effect.mapError(toFailure))
