/** The folder in which one node keeps everything it has: why it cannot be used. Read by whoever starts a node. */
import { Schema } from "effect"

/** Another node runs on this folder. Two would overwrite each other's keys and records. */
export class DataFolderInUse extends Schema.TaggedError<DataFolderInUse>()("DataFolderInUse", {
  folder: Schema.String
}) {
  override get message(): string {
    return `another node is running on the data folder ${this.folder}; stop it or choose another folder`
  }
}

/** The folder or the database in it cannot be opened: permissions, a full disk, a folder where a file should be. */
export class DatabaseUnusable extends Schema.TaggedError<DatabaseUnusable>()("DatabaseUnusable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `the database ${this.file} cannot be used: ${this.reason}`
  }
}
