/**
 * A team's decisions on the overlay: whoever holds the right role reads them, and nobody else, the storing nodes included.
 *
 *     node --conditions=allium-source examples/decisions.ts
 */
import { EncryptedStore, Identity, type Role, RoleDirectory, RoleKeys, Test } from "allium"
import { Console, Effect, Stream } from "effect"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Three roles: developers decide, architects read everything and outrank them, readers read what is shared with them. */
export const declareRoles = Effect.gen(function* () {
  const [directory, keys, { publicKey }] = [yield* RoleDirectory, yield* RoleKeys, yield* Identity]
  const role = (name: string, level: Role["level"], canDecrypt: ReadonlyArray<string> = []) =>
    Effect.map(keys.add(name), ({ recipient }) => ({
      ...{ name, level, canDecrypt, recipients: [recipient], members: [publicKey] }
    }))
  const roles = [yield* role("developer", "execution"), yield* role("architect", "master", ["*"])]
  return yield* directory.publish([...roles, yield* role("reader", "read-only")])
})

const addressOf = (project: string, task: string) => `ucxl://team/developer/${project}/${task}/decision`

/** Stores a decision in the name of the developers. */
export const decide = Effect.fn("decide")(function* (project: string, task: string, words: string) {
  const store = yield* EncryptedStore
  const { address, metadata } = yield* store.store(
    addressOf(project, task),
    encoder.encode(words),
    "developer",
    "text/markdown"
  )
  return { address, readers: metadata.encryptedFor }
})

/** What was decided of a project, newest first: as far as this node may read it. */
export const decisions = Effect.fn("decisions")(function* (project: string) {
  const store = yield* EncryptedStore
  const found = store.search({ project, type: "decision" })
  const read = Stream.mapEffect(found, ({ address }) => store.retrieve(address))
  return yield* Stream.runCollect(Stream.map(read, ({ content }) => decoder.decode(content)))
})

if (import.meta.main) {
  const program = Effect.gen(function* () {
    yield* declareRoles
    yield* Console.log(yield* decide("allium", "storage", "Records live for seven days."))
    yield* Console.log(yield* decisions("allium"))
  })
  await Effect.runPromise(Effect.provide(program, Test.encrypted))
}
