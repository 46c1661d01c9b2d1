/** A passphrase of the person at the terminal, who does not see it; or of ALLIUM_ROLE_PASSPHRASE, where there is one. */
import { Config, Effect, Option, Redacted } from "effect"
import { Prompt } from "effect/cli"
import { SECRET_TEXT_LIMIT } from "#services/node/RolesApi"
import { failure } from "./Failure.ts"

const VARIABLE = "ALLIUM_ROLE_PASSPHRASE"

const fromEnvironment = Effect.orDie(Config.option(Config.Redacted(VARIABLE)))

const prompt = (message: string) =>
  process.stdin.isTTY === true
    ? Effect.catchTag(Prompt.run(Prompt.Hidden({ message })), "QuitError", () =>
        Effect.fail(failure("nothing was changed: no passphrase was given"))
      )
    : Effect.fail(failure(`a passphrase is asked for at a terminal only: give it in ${VARIABLE} here`))

const checked = (passphrase: Redacted.Redacted<string>) => {
  const { length } = Redacted.value(passphrase)
  return length > 0 && length <= SECRET_TEXT_LIMIT
    ? Effect.succeed(passphrase)
    : Effect.fail(failure(`a passphrase has 1 to ${SECRET_TEXT_LIMIT} letters, and this one has ${length}`))
}

/** That of a file which is sealed already. */
export const askPassphrase = Effect.gen(function* () {
  const given = yield* fromEnvironment
  return yield* checked(Option.isSome(given) ? given.value : yield* prompt("Passphrase"))
})

/** A new one, twice where it is typed. */
export const askNewPassphrase = Effect.gen(function* () {
  const given = yield* fromEnvironment
  if (Option.isSome(given)) return yield* checked(given.value)
  const first = yield* checked(yield* prompt("New passphrase"))
  const second = yield* prompt("The same again")
  if (Redacted.value(first) !== Redacted.value(second)) return yield* failure("the two differ: nothing was changed")
  return first
})
