import { randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { allium, cleanUp, startNode, temporaryFolder } from "../cli/processes.ts"
import { resident } from "./memory.ts"

const GARBAGE = 10_000
const HALF_OPEN = 1_000
const AT_ONCE = 64
/** Milliseconds for a put or a get meanwhile, the command's own start included. */
const PATIENCE = 5_000
/** MiB by which the node may have grown ten seconds later. */
const GROWTH = 50

/** A well-formed header of a first handshake message that never comes. */
const HALF = Buffer.from([1, 1, 0, 0, 0, 0, 0, 32, 7])

/** Opens a connection and says something; answers when the far end has closed it, or at once where it shall stay. */
const say = (port: number, bytes: Uint8Array, stay: Array<Socket> | undefined) =>
  new Promise<void>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.on("error", () => {})
    socket.on("close", () => resolve())
    socket.on("connect", () => {
      socket.write(bytes)
      if (stay === undefined) return
      stay.push(socket)
      resolve()
    })
    socket.resume()
  })

const inTurns = async (count: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

afterEach(cleanUp)

describe("a listening node under abuse", () => {
  it(`serves put and get during ${GARBAGE} garbage and ${HALF_OPEN} half-open connections, and forgets them`, async () => {
    const node = await startNode(temporaryFolder())
    const port = Number(/\/tcp\/(\d+)/.exec(node.listening[0] ?? "")?.[1])
    // Both ways are warm before the memory is looked at.
    const warm = await allium(["put", "-", "--data", node.folder], { input: randomBytes(100_000) })
    await allium(["get", warm.stdout.toString().trim(), "--data", node.folder])
    const before = resident(node.pid)

    let abusing = true
    const held: Array<Socket> = []
    const abuse = Promise.all([
      inTurns(GARBAGE, (index) => say(port, randomBytes(1 + ((index * 37) % 3000)), undefined)),
      inTurns(HALF_OPEN, () => say(port, HALF, held))
    ]).finally(() => {
      abusing = false
    })

    const waits: Array<number> = []
    do {
      const began = performance.now()
      const bytes = randomBytes(50_000)
      const put = await allium(["put", "-", "--data", node.folder], { input: bytes })
      const between = performance.now()
      const got = await allium(["get", put.stdout.toString().trim(), "--data", node.folder])
      waits.push(between - began, performance.now() - between)
      assert.isTrue(got.stdout.equals(bytes), put.stderr + got.stderr)
    } while (abusing)
    await abuse
    await sleep(10_000)
    const growth = resident(node.pid) - before
    for (const socket of held) socket.destroy()
    console.log(
      `${waits.length} puts and gets, the slowest ${Math.round(Math.max(...waits))} ms; RSS grew ${Math.round(growth)} MiB`
    )
    assert.isBelow(Math.max(...waits), PATIENCE)
    assert.isBelow(growth, GROWTH)
  })
})
