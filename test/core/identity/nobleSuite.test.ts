import { nobleSuite } from "#core/identity/nobleSuite"
import { suiteLaws } from "../../laws/suite.ts"

suiteLaws("nobleSuite", nobleSuite)
