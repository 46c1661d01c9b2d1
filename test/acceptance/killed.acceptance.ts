import { randomBytes } from "node:crypto"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { allium, cleanUp, startNode, temporaryFolder } from "../cli/processes.ts"

const ROUNDS = 20

afterEach(cleanUp)

describe("kill -9", () => {
  it(`right after put printed the CID loses nothing, ${ROUNDS} times in a row`, async () => {
    const folder = temporaryFolder()
    const kept: Array<{ readonly cid: string; readonly bytes: Buffer }> = []
    for (let round = 0; round < ROUNDS; round++) {
      const node = await startNode(folder)
      const bytes = randomBytes(1 + round * 9_000)
      const put = await allium(["put", "-", "--data", folder], { input: bytes })
      await node.end("SIGKILL")
      assert.strictEqual(put.code, 0, put.stderr)
      kept.push({ cid: put.stdout.toString().trim(), bytes })
    }
    await startNode(folder)
    for (const { bytes, cid } of kept) {
      const got = await allium(["get", cid, "--data", folder])
      assert.isTrue(got.stdout.equals(bytes), `${cid} is gone: ${got.stderr}`)
    }
  })
})
