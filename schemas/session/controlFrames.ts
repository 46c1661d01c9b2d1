/**
 * What the session itself says inside a BATCH (WIRE.md §2).
 *   HEARTBEAT  kind u8 (0 ping, 1 pong) ‖ token 8
 *   GOODBYE    reason u8 ‖ text ≤ 128
 */
import { Schema } from "effect"
import { utf8 } from "#schemas/bytes/bytes"

export const TOKEN_BYTES = 8
export const GOODBYE_TEXT = 128

const decoder = new TextDecoder()

export interface Heartbeat {
  readonly kind: "ping" | "pong"
  readonly token: Uint8Array
}

export const readHeartbeat = (body: Uint8Array): Heartbeat | undefined =>
  body.length === 1 + TOKEN_BYTES && (body[0] === 0 || body[0] === 1)
    ? { kind: body[0] === 0 ? "ping" : "pong", token: body.subarray(1) }
    : undefined

export const writeHeartbeat = (heartbeat: Heartbeat): Uint8Array => {
  const body = new Uint8Array(1 + TOKEN_BYTES)
  body[0] = heartbeat.kind === "ping" ? 0 : 1
  body.set(heartbeat.token, 1)
  return body
}

/** Why a session is ended. The place in this list is the code; a code unknown here reads as the first. */
export const GoodbyeReason = Schema.Literals([
  "unspecified",
  "leaving",
  "replaced",
  "idle",
  "full",
  "banned",
  "flooding",
  "malformed",
  "rekey overdue"
])
export type GoodbyeReason = typeof GoodbyeReason.Type

export interface Goodbye {
  readonly reason: GoodbyeReason
  readonly text: string
}

/** A peer's text is for a log line: what is not printable is blotted out. */
export const readGoodbye = (body: Uint8Array): Goodbye | undefined => {
  const code = body[0]
  if (code === undefined || body.length > 1 + GOODBYE_TEXT) return undefined
  const reason = GoodbyeReason.literals[code] ?? "unspecified"
  if (body.length === 1) return { reason, text: "" }
  return { reason, text: decoder.decode(body.subarray(1)).replaceAll(/[^\x20-\x7e]/g, "?") }
}

export const writeGoodbye = (goodbye: Goodbye): Uint8Array => {
  const code = GoodbyeReason.literals.indexOf(goodbye.reason)
  if (goodbye.text === "") return Uint8Array.of(code)
  const text = utf8(goodbye.text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, GOODBYE_TEXT))
  const body = new Uint8Array(1 + text.length)
  body[0] = code
  body.set(text, 1)
  return body
}
