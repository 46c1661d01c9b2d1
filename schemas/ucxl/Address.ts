/**
 * UCXL addresses: names that people read, for content that only some may read (DESIGN.md §10).
 *
 *   ucxl://agent/role/project/task/type
 *
 * Each part has 1 to 64 of the letters a–z, digits, and `.`, `_`, `-` inside. Upper case is lowered and blanks around the
 * whole are dropped; anything else is refused by the name of its part. The normalised text is the name of a Name record
 * (WIRE.md §6, kind 10), so two addresses are one exactly when their texts are equal.
 */
import { Result, Schema } from "effect"
import { transformation } from "#schemas/bytes/transformation"

export const SCHEME = "ucxl://"
export const PARTS = ["agent", "role", "project", "task", "type"] as const
export type Part = (typeof PARTS)[number]

/** Letters of a part, at most. */
export const PART_LIMIT = 64
/** Letters of an address as it is normalised, at most. */
export const ADDRESS_LIMIT = SCHEME.length + PARTS.length * (PART_LIMIT + 1) - 1

/** Letters of what is looked at: longer texts are refused unread. */
const TEXT_LIMIT = 1_024

const PART = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/

export type UcxlAddress = string & { readonly "~allium/UcxlAddress": true }

export type AddressParts = { readonly [K in Part]: string }

/** Why a text is no address: `part` is undefined where the whole is meant. */
export interface AddressRefusal {
  readonly part: Part | undefined
  readonly reason: string
}

const refuse = (part: Part | undefined, reason: string): Result.Result<never, AddressRefusal> =>
  Result.fail({ part, reason })

/** The word against a part, if there is one. */
const faultOf = (text: string): string | undefined => {
  if (text.length === 0) return "is empty"
  if (text.length > PART_LIMIT) return `has more than ${PART_LIMIT} letters`
  if (PART.test(text)) return undefined
  return "may hold a-z, 0-9 and, inside, . _ - only"
}

export const addressOf = (text: string): Result.Result<UcxlAddress, AddressRefusal> => {
  if (text.length > TEXT_LIMIT) return refuse(undefined, `has more than ${ADDRESS_LIMIT} letters`)
  const plain = text.trim().toLowerCase()
  if (!plain.startsWith(SCHEME)) return refuse(undefined, `does not begin with ${SCHEME}`)
  const parts = plain.slice(SCHEME.length).split("/")
  for (const [index, part] of PARTS.entries()) {
    const value = parts[index]
    if (value === undefined) return refuse(part, "is missing")
    const fault = faultOf(value)
    if (fault !== undefined) return refuse(part, fault)
  }
  if (parts.length > PARTS.length) return refuse(undefined, `has more than ${PARTS.length} parts`)
  return Result.succeed(plain as UcxlAddress)
}

/** What a refusal says to a person. */
export const refusalText = ({ part, reason }: AddressRefusal): string =>
  part === undefined ? `the address ${reason}` : `the part "${part}" ${reason}`

export const partsOf = (address: UcxlAddress): AddressParts => {
  const [agent = "", role = "", project = "", task = "", type = ""] = address.slice(SCHEME.length).split("/")
  return { agent, role, project, task, type }
}

export const isAddress = (text: string): text is UcxlAddress =>
  Result.match(addressOf(text), { onFailure: () => false, onSuccess: (address) => address === text })

export const UcxlAddress = Schema.declare((u): u is UcxlAddress => typeof u === "string" && isAddress(u), {
  expected: "a normalised ucxl address"
})

export const UcxlAddressFromText = Schema.String.pipe(
  Schema.decodeTo(
    UcxlAddress,
    transformation(
      (text: string) => Result.mapError(addressOf(text), refusalText),
      (address: UcxlAddress): string => address
    )
  )
)
