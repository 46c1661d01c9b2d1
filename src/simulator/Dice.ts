/**
 * Chance that repeats with its seed, as plain functions: the hot path of the simulated network draws several times a
 * message. The generator is sfc32 (Chris Doty-Humphrey, PractRand), seeded by xmur3-like mixing of the seed's text.
 */

export class Dice {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string | number) {
    this.#seed = String(seed)
    const mix = mixer(this.#seed)
    this.#a = mix()
    this.#b = mix()
    this.#c = mix()
    for (let round = 0; round < 12; round++) this.#draw()
  }

  /** In [0, 1), in steps of 2^-32. */
  next(): number {
    return this.#draw() / 2 ** 32
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n)
  }

  chance(share: number): boolean {
    return share > 0 && this.next() < share
  }

  /** Of a list that is not empty. */
  pick<A>(list: ReadonlyArray<A>): A {
    const picked = list[this.int(list.length)]
    if (picked === undefined) throw new RangeError("nothing to pick from")
    return picked
  }

  /** A copy in another order. */
  shuffle<A>(list: ReadonlyArray<A>): Array<A> {
    const shuffled = [...list]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.int(last + 1)
      const moved = shuffled[last] as A
      shuffled[last] = shuffled[other] as A
      shuffled[other] = moved
    }
    return shuffled
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  /** Mean 0, deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  /** Dice of their own for one purpose, so that one more draw there changes nothing here. */
  fork(purpose: string): Dice {
    return new Dice(`${this.#seed}/${purpose}`)
  }

  #draw(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }
}

/** 32-bit numbers from a text, each depending on all of it. */
const mixer = (text: string): (() => number) => {
  let state = 1779033703 ^ text.length
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 3432918353)
    state = (state << 13) | (state >>> 19)
  }
  return () => {
    state = Math.imul(state ^ (state >>> 16), 2246822507)
    state = Math.imul(state ^ (state >>> 13), 3266489909)
    return (state ^= state >>> 16) | 0
  }
}
