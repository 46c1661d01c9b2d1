import * as MemoryAuditLog from "#layers/ucxl/MemoryAuditLog"
import { auditLogLaws } from "../../laws/auditLog.ts"

auditLogLaws("MemoryAuditLog", MemoryAuditLog.layer)
