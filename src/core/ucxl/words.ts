/**
 * The words of a text, and what a search asks of them. Every ContentIndex takes texts and questions apart here, so that all
 * of them find the same, and no letter of a question means anything to a database.
 *
 * A word is a run of letters, marks and digits of any script, compared without regard to case and to compatibility forms
 * (NFKC); of longer runs the first 64 letters count.
 */

/** Letters of a word. */
export const WORD_LIMIT = 64

export interface Term {
  readonly word: string
  /** Whether words that go on behind it are meant too. */
  readonly beginning: boolean
}

const TERM = /([\p{L}\p{M}\p{N}]+)(\*?)/gu

// Compatibility forms first: the form of some signs holds punctuation ("⑴" is "(1)").
const fold = (text: string): string => text.normalize("NFKC").toLowerCase()

/** Between letters, never inside one that takes two units. */
const cut = (word: string): string => (word.length <= WORD_LIMIT ? word : [...word].slice(0, WORD_LIMIT).join(""))

/** Each once, in the order of their first occurrence. */
export const wordsOf = (text: string): ReadonlySet<string> => {
  const words = new Set<string>()
  for (const [, word = ""] of fold(text).matchAll(TERM)) words.add(cut(word))
  return words
}

/** Words that must all occur, `*` behind one for beginnings; all else separates. */
export const termsOf = (question: string): ReadonlyArray<Term> => {
  const terms = new Map<string, Term>()
  for (const [, run = "", star] of fold(question).matchAll(TERM)) {
    const term = { word: cut(run), beginning: star === "*" }
    terms.set(`${term.word}${star}`, term)
  }
  return [...terms.values()]
}

/** A question without a word finds nothing. */
export const isAnswered = (terms: ReadonlyArray<Term>, words: ReadonlySet<string>): boolean =>
  terms.length > 0 &&
  terms.every(({ beginning, word }) => (beginning ? [...words].some((it) => it.startsWith(word)) : words.has(word)))
