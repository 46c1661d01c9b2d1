/** A node that was told nothing. */
import { Schema } from "effect"
import { Settings } from "./Settings.ts"

export const defaultSettings: Settings = Schema.decodeSync(Settings)({})
