import type { DatabaseSync } from 'node:sqlite'
import { failure } from '@bulkhead/wire'

/**
 * One entry a version; what has been released is never edited, only followed. `PRAGMA user_version` counts those applied.
 * Times are milliseconds since 1970 on the server's clock, sizes bytes, structures JSON.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE sandboxes (
    id            TEXT PRIMARY KEY,
    generation    INTEGER NOT NULL,
    role          TEXT NOT NULL,    -- sandbox; pool: made in advance, no caller has it yet; template: being booted to be frozen
    state         TEXT NOT NULL,
    reason        TEXT,
    shape         TEXT NOT NULL,
    image         TEXT NOT NULL,
    image_digest  TEXT NOT NULL,
    runtime       TEXT NOT NULL,
    isolation     TEXT NOT NULL,
    memory_bytes  INTEGER NOT NULL,
    cpus          INTEGER NOT NULL,
    disk_bytes    INTEGER NOT NULL,
    metadata      TEXT NOT NULL,
    origin        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    deadline_at   INTEGER,
    ended_at      INTEGER,
    uid_slot      INTEGER UNIQUE,   -- null once nothing of it is left on the host
    template      TEXT,             -- the template its disk and memory are laid over
    handle        TEXT              -- secret: holds the channel key and the access token
  ) STRICT;
  CREATE INDEX sandboxes_by_deadline ON sandboxes (deadline_at) WHERE deadline_at IS NOT NULL AND ended_at IS NULL;
  CREATE INDEX sandboxes_by_end ON sandboxes (ended_at) WHERE ended_at IS NOT NULL;

  CREATE TABLE templates (
    id            TEXT PRIMARY KEY, -- names the folder; the row is what makes the folder a template
    shape         TEXT NOT NULL,
    image_digest  TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    used_at       INTEGER NOT NULL,
    retired       INTEGER NOT NULL DEFAULT 0, -- kept for the clones that stand on it, never cloned again
    snapshot      TEXT NOT NULL     -- secret: holds the channel key of the frozen guest
  ) STRICT;
  CREATE INDEX templates_by_shape ON templates (shape);

  CREATE TABLE server (
    stopped_cleanly INTEGER NOT NULL
  ) STRICT;
  INSERT INTO server VALUES (1);

  CREATE TABLE reserve (
    room BLOB NOT NULL -- always empty; see ledger.ts
  ) STRICT;
  `,
]

/** Brings the schema up to date, each step whole or not at all. Fails `state_too_new`. */
export function migrate(db: DatabaseSync, directory: string): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > migrations.length) {
    throw failure('state_too_new', { directory, found: version, supported: migrations.length })
  }
  for (const [index, statements] of migrations.entries()) {
    if (index < version) continue
    db.exec(`BEGIN; ${statements}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}
