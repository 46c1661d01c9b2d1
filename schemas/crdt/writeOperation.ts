/** Writes operations as Operation.ts gives their layout. */
import type { ByteWriter } from "./ByteWriter.ts"
import {
  BEFORE,
  CONTINUES,
  INNER,
  MANY_PREDS,
  NEW_AUTHOR,
  NEW_ROOT,
  NOWHERE,
  ONE,
  ONE_PRED,
  OpKind,
  type Ref,
  SAME,
  SELF
} from "./Operation.ts"
import { type NewContainer, type Plain, writeValue } from "./Value.ts"

/** The container that an operation is about. */
export interface Target {
  same: boolean
  container: number
  rootKind: number
  rootName: string
  readonly inner: Ref
}

const writeRef = (out: ByteWriter, { author, counter, key }: Ref): void => {
  if (author === NOWHERE) {
    out.byte(0)
    return
  }
  if (author === SELF) {
    out.uint(2 * counter)
    return
  }
  out.uint(author === NEW_AUTHOR ? 1 : 2 * author + 1)
  if (author === NEW_AUTHOR) out.raw(key!)
  out.uint(counter)
}

/** Kind and flags, and the container where they do not say SAME. */
const writeHead = (out: ByteWriter, head: number, target: Target): void => {
  out.byte(target.same ? head | SAME : head)
  if (target.same) return
  out.uint(target.container)
  if (target.container === NEW_ROOT) {
    out.byte(target.rootKind)
    out.text(target.rootName)
  } else if (target.container === INNER) writeRef(out, target.inner)
}

/** `before` or behind `parent`; the text has at least one code point. */
export const writeText = (out: ByteWriter, target: Target, parent: Ref, before: boolean, text: string): void => {
  const one = text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff)
  writeInsert(out, OpKind.Write | (one ? ONE : 0), target, parent, before)
  if (one) out.utf8(text)
  else out.text(text)
}

/** At least one value. */
export const writePut = (
  out: ByteWriter,
  target: Target,
  parent: Ref,
  before: boolean,
  values: ReadonlyArray<Plain | NewContainer>
): void => {
  writeInsert(out, OpKind.Put | (values.length === 1 ? ONE : 0), target, parent, before)
  if (values.length > 1) out.uint(values.length)
  for (const value of values) writeValue(out, value)
}

const writeInsert = (out: ByteWriter, head: number, target: Target, parent: Ref, before: boolean): void => {
  const continues = parent.author === SELF && parent.counter === 1 && !before
  writeHead(out, head | (continues ? CONTINUES : before ? BEFORE : 0), target)
  if (!continues) writeRef(out, parent)
}

/** `next` is BACKWARD or FORWARD and needs no reference, or zero. */
export const writeRemove = (out: ByteWriter, target: Target, next: number, first: Ref, count: number): void => {
  writeHead(out, OpKind.Remove | next | (count === 1 ? ONE : 0), target)
  if (next === 0) writeRef(out, first)
  if (count > 1) out.uint(count)
}

/** An unset where there is no value; then at least one pred. */
export const writeKey = (
  out: ByteWriter,
  target: Target,
  key: string,
  preds: ReadonlyArray<Ref>,
  value: Plain | NewContainer | undefined
): void => {
  const many = preds.length === 0 ? 0 : preds.length === 1 ? ONE_PRED : MANY_PREDS
  writeHead(out, (value === undefined ? OpKind.Unset : OpKind.Set) | many, target)
  out.text(key)
  if (preds.length > 1) out.uint(preds.length)
  for (const pred of preds) writeRef(out, pred)
  if (value !== undefined) writeValue(out, value)
}
