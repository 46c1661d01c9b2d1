/**
 * What a key of a map or a place of a list holds: something plain, or a container that begins its life there.
 *
 *   0 null · 1 false · 2 true · 3 int · 4 float (what is no int) · 5 text · 6 bytes: uint ‖ bytes
 *   7 map · 8 list · 9 text container · 10 register
 */
import type { ByteReader } from "./ByteReader.ts"
import type { ByteWriter } from "./ByteWriter.ts"

export const ContainerKind = { Map: 0, List: 1, Text: 2, Register: 3 } as const
export type ContainerKind = (typeof ContainerKind)[keyof typeof ContainerKind]
export const CONTAINER_KINDS = 4

export type Plain = null | boolean | number | string | Uint8Array

/** Stands for a new, empty container. */
export class NewContainer {
  readonly kind: ContainerKind
  constructor(kind: ContainerKind) {
    this.kind = kind
  }
}

export const NEW_CONTAINERS = [0, 1, 2, 3].map((kind) => new NewContainer(kind as ContainerKind))

const FIRST_CONTAINER = 7

/** Largest int; any other number is a float. */
const INT_LIMIT = 2 ** 52

export const TEXT_TAG = 5

export const writeValue = (out: ByteWriter, value: Plain | NewContainer): void => {
  const tag = tagOf(value)
  out.byte(tag)
  writeTagged(out, tag, value)
}

/** The first byte, which says what follows. */
export const tagOf = (value: Plain | NewContainer): number => {
  if (typeof value === "number") return isInt(value) ? 3 : 4
  if (typeof value === "string") return TEXT_TAG
  if (value === null) return 0
  if (typeof value === "boolean") return value ? 2 : 1
  return value instanceof NewContainer ? FIRST_CONTAINER + value.kind : 6
}

/** What follows the first byte. */
export const writeTagged = (out: ByteWriter, tag: number, value: Plain | NewContainer): void => {
  if (tag === 3) out.int(value as number)
  else if (tag === 4) out.float(value as number)
  else if (tag === TEXT_TAG) out.text(value as string)
  else if (tag === 6) {
    out.uint((value as Uint8Array).length)
    out.raw(value as Uint8Array)
  }
}

/** Bytes are copied: the value outlives the message it came in. */
export const readValue = (from: ByteReader, max: number): Plain | NewContainer => readTagged(from, from.byte(), max)

export const readTagged = (from: ByteReader, tag: number, max: number): Plain | NewContainer => {
  switch (tag) {
    case 0:
      return null
    case 1:
    case 2:
      return tag === 2
    case 3: {
      const value = from.int()
      if (!isInt(value)) from.fail("int too large")
      return value
    }
    case 4: {
      const value = from.float()
      if (isInt(value)) from.fail("float that is an int")
      return value
    }
    case TEXT_TAG:
      return from.text(max)
    case 6: {
      const length = from.uint()
      return length > max ? from.fail("bytes too long") : new Uint8Array(from.view(length))
    }
    default:
      return NEW_CONTAINERS[tag - FIRST_CONTAINER] ?? from.fail("unknown value")
  }
}

/** Minus zero is none: an int has no sign to keep for it. */
const isInt = (value: number): boolean =>
  Number.isInteger(value) && value < INT_LIMIT && value > -INT_LIMIT && !Object.is(value, -0)
