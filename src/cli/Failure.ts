/** What the command line says when it cannot do what was asked: one sentence, and what to do about it. */
import { Runtime, Schema } from "effect"

export class Failure extends Schema.TaggedError<Failure>()("Failure", {
  sentence: Schema.String,
  /** 1 for failure, 2 for wrong usage. */
  exitCode: Schema.Literals([1, 2])
}) {
  override readonly [Runtime.errorExitCode] = this.exitCode
  override get message(): string {
    return this.sentence
  }
}

export const failure = (sentence: string): Failure => new Failure({ sentence, exitCode: 1 })
export const wrongUsage = (sentence: string): Failure => new Failure({ sentence, exitCode: 2 })
