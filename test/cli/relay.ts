/** A TCP relay between two nodes, which keeps every byte that passes. */
import { connect, createServer, type Socket } from "node:net"

export interface Relay {
  readonly port: number
  /** All that has passed, both ways. */
  readonly bytes: () => Buffer
  readonly close: () => Promise<void>
}

export const startRelay = (target: number): Promise<Relay> =>
  new Promise((resolve, reject) => {
    const passed: Array<Buffer> = []
    const open = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(target, "127.0.0.1")
      for (const [from, to] of [
        [near, far],
        [far, near]
      ] as const) {
        open.add(from)
        from.on("data", (bytes: Buffer) => void passed.push(Buffer.from(bytes)))
        from.on("error", () => to.destroy())
        from.on("close", () => open.delete(from))
        from.pipe(to)
      }
    })
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = address !== null && typeof address === "object" ? address.port : 0
      const close = () =>
        new Promise<void>((closed) => {
          for (const socket of open) socket.destroy()
          server.close(() => closed())
        })
      resolve({ port, bytes: () => Buffer.concat(passed), close })
    })
  })
