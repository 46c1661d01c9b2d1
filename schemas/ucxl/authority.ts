/** Whose list of roles holds here, as the settings name it: the text of a did, or empty for nobody's. */
import { Result } from "effect"
import { type PublicKey, publicKeyOfDid } from "#schemas/identity/PublicKey"

export const authorityOf = (setting: string): Result.Result<PublicKey | undefined, string> =>
  setting === "" ? Result.succeed(undefined) : publicKeyOfDid(setting)
