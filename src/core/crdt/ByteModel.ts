/**
 * What comes next in a row of operations, guessed bit by bit: four views of what came before each give a chance, and are
 * weighed by how well they have guessed in that column so far (logistic mixing, as in PAQ). The same arithmetic on
 * every machine: nothing but the four operations of IEEE 754.
 */
import { type BitCoder, CERTAIN } from "./RangeCoder.ts"

const VIEWS = 4
/** Chances are kept in so many slots, which whoever hashes there shares. */
const SLOTS = 2 ** 20
const SHIFT = 32 - 20
/** Steps of the tables between chance and its logarithm of odds. */
const STEPS = 4096
/** Logarithms of odds are cut off here: about one in three thousand. */
const FAR = 8
const COLUMNS = 16
/** How fast weights learn. */
const LEARNING = 0.02
/** A chance that was seen n times moves by one part in n + 1.5, at least by one in so many. */
const SLOWEST = 60

export class ByteModel {
  readonly #coder: BitCoder
  /** A chance in CERTAIN, and how often it was seen. */
  readonly #chances = new Uint16Array(SLOTS).fill(CERTAIN / 2)
  readonly #seen = new Uint8Array(SLOTS)
  readonly #weights = new Float64Array(COLUMNS * 256 * VIEWS).fill(0.35)
  /** The last three bytes of each column. */
  readonly #last = new Uint32Array(COLUMNS)
  /** The last four heads of operations. */
  #heads = 0
  /** Of the byte that is being coded: where each view begins to look. */
  readonly #views = new Int32Array(VIEWS)
  readonly #slots = new Int32Array(VIEWS)
  readonly #odds = new Float64Array(VIEWS)

  constructor(coder: BitCoder) {
    this.#coder = coder
  }

  /** Codes a byte of a column; `place` is its place in a number. A decoder ignores the byte given, both answer it. */
  byte(byte: number, column: number, place: number): number {
    const last = this.#last[column]!
    const base = column * 8 + Math.min(place, 7)
    const isText = column === TEXT
    this.#views[0] = hash(base, last & 0xff)
    this.#views[1] = hash(base + 0x100, last & 0xffff)
    this.#views[2] = hash(base + 0x200, isText ? last & 0xffffff : this.#heads & 0xffff)
    this.#views[3] = hash(
      base + 0x300,
      isText ? (last & 0xff) ^ (this.#heads << 8) : this.#heads ^ ((last & 0xff) << 8)
    )
    let node = 1
    for (let at = 7; at >= 0; at--) node = 2 * node + this.#bit((byte >> at) & 1, node, column)
    const coded = node & 0xff
    this.#last[column] = ((last << 8) | coded) & 0xffffff
    if (column === HEAD) this.#heads = (this.#heads << 8) | coded
    return coded
  }

  /** A single bit that stands by itself. */
  flag(bit: number, column: number): number {
    const last = this.#last[column]!
    this.#views[0] = hash(column, last & 7)
    this.#views[1] = hash(column, last & 0xff)
    this.#views[2] = hash(column, this.#heads & 0xffff)
    this.#views[3] = hash(column, 0)
    const coded = this.#bit(bit, 1, column)
    this.#last[column] = ((last << 1) | coded) & 0xffff
    return coded
  }

  #bit(bit: number, node: number, column: number): number {
    const weights = (column * 256 + node) * VIEWS
    let dot = 0
    for (let view = 0; view < VIEWS; view++) {
      const slot = (this.#views[view]! + Math.imul(node, 0x9e3779b1)) >>> SHIFT
      this.#slots[view] = slot
      const odds = ODDS[this.#chances[slot]! >>> 4]!
      this.#odds[view] = odds
      dot += odds * this.#weights[weights + view]!
    }
    const chance = CHANCES[Math.max(0, Math.min(STEPS - 1, Math.floor(((dot + FAR) * STEPS) / (2 * FAR))))]!
    const coded = this.#coder.bit(bit, chance)
    const wrong = (coded - chance / CERTAIN) * LEARNING
    for (let view = 0; view < VIEWS; view++) {
      this.#weights[weights + view]! += this.#odds[view]! * wrong
      const slot = this.#slots[view]!
      const seen = this.#seen[slot]!
      const from = this.#chances[slot]!
      this.#chances[slot] = from + ((coded === 1 ? CERTAIN - 1 : 0) - from) / (seen + 1.5)
      if (seen < SLOWEST) this.#seen[slot] = seen + 1
    }
    return coded
  }
}

const HEAD = 0
const TEXT = 4

const hash = (a: number, b: number): number => Math.imul(Math.imul(a + 1, 0x85ebca6b) ^ (b + 0x7f4a7c15), 0xc2b2ae35)

/** e to the power of x, by squaring: `Math.exp` may differ from one engine to the next. */
const power = (x: number): number => {
  let value = 1 + x / 2 ** 20
  for (let left = 20; left > 0; left--) value *= value
  return value
}

/** Chance in CERTAIN by step of the logarithm of odds. */
const CHANCES = Uint16Array.from({ length: STEPS }, (_, step) => {
  const odds = power(((step + 0.5) * 2 * FAR) / STEPS - FAR)
  return Math.max(16, Math.min(CERTAIN - 16, Math.floor((CERTAIN * odds) / (1 + odds))))
})

/** The other way round, by chance in STEPS. */
const ODDS = new Float64Array(STEPS)
for (let chance = 0, step = 0; chance < STEPS; chance++) {
  while (step < STEPS - 1 && CHANCES[step]! < chance * 16 + 8) step++
  ODDS[chance] = ((step + 0.5) * 2 * FAR) / STEPS - FAR
}
