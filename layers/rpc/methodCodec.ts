/** What a method's requests and responses are on the wire, whichever way they go: one CBOR value, in an array. */
import { Result, Schema } from "effect"
import { type DecodeOptions, decodeArray } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import type { RpcMethod } from "#services/rpc/Rpc"

export interface MethodCodec<Request, Response> {
  /** Throws for what is no request: a mistake of the app. */
  readonly encodeRequest: (request: Request) => CborValue
  readonly readResponse: (body: Uint8Array, options?: DecodeOptions) => Result.Result<Response, string>
}

export const codecOf = <Request, Response>({
  request,
  response
}: RpcMethod<Request, Response>): MethodCodec<Request, Response> => {
  const decode = Schema.decodeUnknownResult(response)
  return {
    encodeRequest: Schema.encodeSync(request),
    readResponse: (body, options) =>
      Result.flatMap(decodeArray(body, options), ([value]) =>
        Result.mapError(decode(value ?? null), () => "not an answer")
      )
  }
}
