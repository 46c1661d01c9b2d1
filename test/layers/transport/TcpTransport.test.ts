import { describe, it } from "@effect/vitest"
import * as TcpTransport from "#layers/transport/TcpTransport"
import { transportLaws } from "../../laws/transport.ts"

describe("TcpTransport over IPv4", () => {
  transportLaws({
    it: it.live,
    layer: TcpTransport.layer,
    anywhere: "/ip4/127.0.0.1/tcp/0",
    nobody: "/ip4/127.0.0.1/tcp/1",
    foreign: "/memory/1"
  })
})
