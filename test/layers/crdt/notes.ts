/** An app that opens documents on the nodes of a simulated network, and leaves them open. */
import { Documents, type OpenDocument, type OpenOptions } from "allium"
import { TestNetwork } from "allium/testing"
import { Context, type Duration, Effect, Layer, Scope } from "effect"
import { keyOf } from "#schemas/bytes/bytes"

export class Notes extends Context.Service<
  Notes,
  { readonly use: (channel: Uint8Array) => Effect.Effect<OpenDocument> }
>()("test/Notes") {}

const app = (options?: OpenOptions) =>
  Layer.effect(
    Notes,
    Effect.gen(function* () {
      const [documents, scope] = [yield* Documents, yield* Effect.scope]
      const opened = new Map<string, OpenDocument>()
      return Notes.of({
        use: Effect.fnUntraced(function* (channel) {
          const known = opened.get(keyOf(channel))
          if (known !== undefined) return known
          const document = yield* documents
            .open(channel, options)
            .pipe(Effect.provideService(Scope.Scope, scope), Effect.orDie)
          opened.set(keyOf(channel), document)
          return document
        })
      })
    })
  )

export const open = (channel: Uint8Array) => Effect.flatMap(Notes, (notes) => notes.use(channel))

export const read = (channel: Uint8Array) =>
  Effect.map(open(channel), (document) => document.document().text("t").toString())

export const type = (channel: Uint8Array, text: string, at = 0) =>
  Effect.flatMap(open(channel), (document) => document.edit((it) => it.text("t").insert(at, text)))

export const notesOn = (
  nodes: number,
  { opened, ...options }: { readonly seed?: number; readonly storage?: "sqlite"; readonly opened?: OpenOptions } = {}
) => TestNetwork.make({ nodes, app: app(opened), ...options })

export type NotesNetwork = Effect.Success<ReturnType<typeof notesOn>>

/** A document of the first of these, open on all of them, who have found each other. */
export const documentOn = Effect.fnUntraced(function* (network: NotesNetwork, nodes: ReadonlyArray<number>) {
  const create = Effect.flatMap(Documents, (documents) => documents.create())
  const { channel } = yield* network.node(nodes[0]!).run(create)
  const opened = yield* Effect.forEach(nodes, (n) => network.node(n).run(open(channel)))
  yield* network.until(() => opened.every((document) => document.genesis() !== undefined), { within: "1 minute" })
  return channel
})

/** Until the texts on all of these are one and the same, of this length. */
export const agree = (
  network: NotesNetwork,
  nodes: ReadonlyArray<number>,
  channel: Uint8Array,
  length: number,
  within: Duration.Input
) => {
  const texts = Effect.forEach(nodes, (n) => network.node(n).run(read(channel)))
  return network.until(() => Effect.map(texts, (all) => new Set(all).size === 1 && all[0]!.length === length), {
    within
  })
}
