/** Makes a Schema transformation of a plain reader and writer, so that each layout is written down once. */
import { Effect, Result, SchemaIssue, SchemaTransformation } from "effect"

/** `read` answers the value or the word of refusal, which becomes the message of the schema issue. */
export const transformation = <Outer, Inner>(
  read: (outer: Outer) => Result.Result<Inner, string>,
  write: (inner: Inner) => Outer
) =>
  SchemaTransformation.transformEffect({
    decode: (outer: Outer, options) =>
      Effect.fromResult(
        Result.mapError(read(outer), (message) => new SchemaIssue.InvalidValue({ message }, outer, options))
      ),
    encode: (inner: Inner) => Effect.succeed(write(inner))
  })
