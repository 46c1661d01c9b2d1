/** Makes a Schema transformation of a plain reader and writer, so that each layout is written down once. */
import { Effect, Result, SchemaGetter, SchemaIssue } from "effect"

/**
 * `read` answers the value or the word of refusal, which becomes the message of the schema issue. The writer may take
 * more than the reader gives: brands are checked on the way in and need not be shown on the way out.
 */
export const transformation = <Outer, Inner, Written>(
  read: (outer: Outer) => Result.Result<Inner, string>,
  write: (inner: Written) => Outer
) => ({
  decode: SchemaGetter.transformEffect((outer: Outer, options) =>
    Effect.fromResult(
      Result.mapError(read(outer), (message) => new SchemaIssue.InvalidValue({ message }, outer, options))
    )
  ),
  encode: SchemaGetter.transform(write)
})
