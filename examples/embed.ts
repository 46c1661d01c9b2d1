/**
 * An app with a node inside: keeps a note on the network and reads it back, by its CID alone.
 *
 *     node --conditions=allium-source examples/embed.ts     in a checkout of allium
 *     node embed.ts                                         in a project that has installed it
 */
import { Blobs, cidText, defaultSettings, Production } from "allium"
import { Console, Effect, Stream } from "effect"

/** The app. It asks for Blobs and does not know whether there is a network behind it: see embed.test.ts. */
export const keepNote = Effect.fn("keepNote")(function* (note: string) {
  const blobs = yield* Blobs
  const { cid, replicas } = yield* blobs.put(Stream.make(note).pipe(Stream.encodeText))
  const text = yield* blobs.get(cid).pipe(Stream.decodeText, Stream.mkString)
  return { cid: cidText(cid), replicas, text }
})

/** The node: here one of this machine alone. Others join it with its address as their `bootstrap`. */
const node = Production.layer({
  ...defaultSettings,
  dataFolder: "./note-node",
  local: true,
  listen: ["/ip4/127.0.0.1/tcp/0"]
})

if (import.meta.main) {
  const program = Effect.flatMap(keepNote("Hello from inside an app"), Console.log)
  await Effect.runPromise(Effect.provide(program, node))
}
