/** Histories of a few authors who see each other's operations now and then, and a log so naive that it is surely right. */
import { Arbitrary, Schema } from "effect"
import type { IntakeNode } from "#core/oplog/Intake"

export const AUTHORS = 4

/** An author writes, after he has seen all that another one had. */
export const Step = Schema.Struct({
  author: Schema.Literals([0, 1, 2, 3]),
  sees: Schema.Literals([0, 1, 2, 3])
})
export const steps = Arbitrary.array(Arbitrary.schema(Step), { maxLength: 40 })

/** Any order, with duplicates, by sorting places that were drawn. */
export const places = Arbitrary.array(
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))),
  {
    minLength: 80,
    maxLength: 80
  }
)

export const keyOfNumber = (n: number): string => String.fromCharCode(n >> 8, n & 255).padEnd(32, "·".slice(0, 1))
export const authorKey = (n: number): string => keyOfNumber(60_000 + n)

export const historyOf = (all: ReadonlyArray<typeof Step.Type>): ReadonlyArray<IntakeNode> => {
  const knows = Array.from({ length: AUTHORS }, () => new Map<string, IntakeNode>())
  return all.map(({ author, sees }, at) => {
    const known = knows[author]!
    for (const [key, op] of knows[sees]!) known.set(key, op)
    const mine = [...known.values()].filter((op) => op.authorKey === authorKey(author)).length
    const parents = headsOf([...known.values()]).sort()
    const lamport = 1 + Math.max(0, ...parents.map((key) => known.get(key)!.lamport))
    const op = {
      key: keyOfNumber(at),
      authorKey: authorKey(author),
      seq: mine + 1,
      lamport,
      parents,
      bytes: new Uint8Array(10)
    }
    known.set(op.key, op)
    return op
  })
}

export const headsOf = (ops: ReadonlyArray<IntakeNode>): Array<string> => {
  const named = new Set(ops.flatMap(({ parents }) => parents))
  return ops.map(({ key }) => key).filter((key) => !named.has(key))
}

/** Each operation as often as places say, in their order. */
export const shuffled = <A>(ops: ReadonlyArray<A>, drawn: ReadonlyArray<number>): ReadonlyArray<A> =>
  [...ops, ...ops.filter((_, at) => drawn[at]! % 3 === 0)]
    .map((op, at) => [drawn[at % drawn.length]!, at, op] as const)
    .sort(([a, x], [b, y]) => a - b || x - y)
    .map(([, , op]) => op)

/** What can be delivered of these, by looking through all of them again and again. */
export const deliverable = (ops: ReadonlyArray<IntakeNode>): ReadonlySet<string> => {
  const done = new Set<string>()
  const seqs = new Map<string, number>()
  for (let before = -1; before < done.size; ) {
    before = done.size
    for (const op of ops) {
      if (done.has(op.key) || op.seq !== (seqs.get(op.authorKey) ?? 0) + 1) continue
      if (!op.parents.every((parent) => done.has(parent))) continue
      done.add(op.key)
      seqs.set(op.authorKey, op.seq)
    }
  }
  return done
}
