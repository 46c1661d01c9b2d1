/**
 * Bech32 (BIP 173), in which age writes its keys: a prefix, "1", five bits a letter, and six letters of checksum, so that
 * a mistyped key is no key. In capitals or in small letters, never in both.
 */
import { Result } from "effect"

const LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const CHECKSUM_LENGTH = 6

/** Letters of the whole, at most; what is longer is refused unread. */
const LENGTH_LIMIT = 90

/** `bytes` in small letters. */
export const encode = (prefix: string, bytes: Uint8Array): string => {
  const words = regroup(bytes, 8, 5, true) ?? []
  const sum = polymod([...expand(prefix), ...words, ...new Array<number>(CHECKSUM_LENGTH).fill(0)]) ^ 1
  const checksum = Array.from({ length: CHECKSUM_LENGTH }, (_, at) => (sum >> (5 * (CHECKSUM_LENGTH - 1 - at))) & 31)
  return `${prefix}1${[...words, ...checksum].map((word) => LETTERS[word]).join("")}`
}

/** The bytes behind this very prefix, which is given in small letters; or the word of refusal. */
export const decode = (prefix: string, text: string): Result.Result<Uint8Array, string> => {
  if (text.length > LENGTH_LIMIT) return Result.fail("it is too long")
  const plain = text.toLowerCase()
  if (text !== plain && text !== text.toUpperCase()) return Result.fail("it mixes capitals and small letters")
  if (!plain.startsWith(`${prefix}1`)) return Result.fail(`it does not begin with ${prefix}1`)
  const words = Array.from(plain.slice(prefix.length + 1), (letter) => LETTERS.indexOf(letter))
  if (words.includes(-1)) return Result.fail("it has a letter that Bech32 has not")
  if (words.length < CHECKSUM_LENGTH || polymod([...expand(prefix), ...words]) !== 1) {
    return Result.fail("its checksum is wrong, so it was mistyped or cut")
  }
  const bytes = regroup(words.slice(0, -CHECKSUM_LENGTH), 5, 8, false)
  return bytes === undefined ? Result.fail("it is padded wrongly") : Result.succeed(Uint8Array.from(bytes))
}

const expand = (prefix: string): ReadonlyArray<number> => {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

const polymod = (values: ReadonlyArray<number>): number => {
  let sum = 1
  for (const value of values) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    for (const [bit, term] of GENERATOR.entries()) if (((top >> bit) & 1) === 1) sum ^= term
  }
  return sum >>> 0
}

/** Groups of `from` bits as groups of `to`; undefined where bits are left over that are no padding. */
const regroup = (
  values: ArrayLike<number>,
  from: number,
  to: number,
  pads: boolean
): ReadonlyArray<number> | undefined => {
  const groups: Array<number> = []
  let [held, bits] = [0, 0]
  for (const value of Array.from(values)) {
    held = ((held << from) | value) & 0xfff
    bits += from
    while (bits >= to) {
      bits -= to
      groups.push((held >> bits) & ((1 << to) - 1))
    }
  }
  const rest = (held << (to - bits)) & ((1 << to) - 1)
  if (pads) return bits > 0 ? [...groups, rest] : groups
  return bits < from && rest === 0 ? groups : undefined
}
