"""What sqlite3 asks of a kernel: locks between processes, a shared memory map (WAL), fsync, and a journal that outlives a kill.

Prints one line per exercise; ends with an error at the first that goes wrong.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile

ROWS = 2000


def connect(path, journal):
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    assert db.execute(f"PRAGMA journal_mode={journal}").fetchone()[0] == journal
    return db


def insert(db, statement, rows):
    """In one transaction: else each row is one, with all its syncs."""
    db.execute("BEGIN")
    db.executemany(statement, rows)
    db.execute("COMMIT")


def check(db):
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def writers(path, journal):
    """Four processes count in one row; what locks let through is lost to none."""
    db = connect(path, journal)
    db.execute("CREATE TABLE counter (n INTEGER)")
    db.execute("INSERT INTO counter VALUES (0)")
    children = [subprocess.Popen([sys.executable, __file__, "count", path, journal]) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert db.execute("SELECT n FROM counter").fetchone() == (60,)
    check(db)


def count(path, journal):
    db = connect(path, journal)
    for _ in range(15):
        db.execute("BEGIN IMMEDIATE")
        (n,) = db.execute("SELECT n FROM counter").fetchone()
        db.execute("UPDATE counter SET n = ?", (n + 1,))
        db.execute("COMMIT")


def killed(path, journal):
    """A process dies in the middle of a transaction whose pages are already in the file: the next one rolls it back."""
    db = connect(path, journal)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
    insert(db, "INSERT INTO t (text) VALUES (?)", [("old",)] * ROWS)
    db.close()
    child = subprocess.Popen([sys.executable, __file__, "die", path, journal], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"in the middle\n"
    child.kill()
    assert child.wait() == -signal.SIGKILL
    db = connect(path, journal)
    assert db.execute("SELECT DISTINCT text FROM t").fetchall() == [("old",)]
    check(db)


def die(path, journal):
    db = connect(path, journal)
    db.execute("PRAGMA cache_size=1")  # so that pages go to the file before the end
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE t SET text = ?", ("new" * 100,))
    print("in the middle", flush=True)
    signal.pause()


def busy(path, journal):
    """A lock that another connection holds is seen at once."""
    first, second = connect(path, journal), connect(path, journal)
    first.execute("CREATE TABLE t (x)")
    assert second.execute("SELECT count(*) FROM t").fetchone() == (0,)
    first.execute("BEGIN EXCLUSIVE")
    second.execute("PRAGMA busy_timeout=0")
    try:
        second.execute("INSERT INTO t VALUES (1)")
    except sqlite3.OperationalError as error:
        assert "locked" in str(error), error
    else:
        raise AssertionError("a lock was not seen")
    first.execute("COMMIT")
    second.execute("INSERT INTO t VALUES (1)")


def queries(path, journal):
    """Indexes, joins, full text, JSON, functions and collations in Python, backup."""
    db = connect(path, journal)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT, n INTEGER)")
    db.execute("CREATE INDEX by_word ON t (word)")
    insert(db, "INSERT INTO t (word, n) VALUES (?, ?)", ((f"w{i % 97}", i) for i in range(ROWS)))
    db.create_function("twice", 1, lambda n: 2 * n, deterministic=True)
    db.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    assert db.execute("SELECT sum(twice(n)) FROM t").fetchone() == (ROWS * (ROWS - 1),)
    assert db.execute("SELECT word FROM t ORDER BY word COLLATE backwards LIMIT 1").fetchone() == ("w96",)
    assert db.execute("SELECT count(*) FROM t a JOIN t b ON a.word = b.word WHERE a.id = 1").fetchone() == (21,)
    assert db.execute("SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]')").fetchone() == (2,)
    db.execute("CREATE VIRTUAL TABLE docs USING fts5(body)")
    db.executemany("INSERT INTO docs VALUES (?)", [("a ship's hull",), ("divided by bulkheads",)])
    assert db.execute("SELECT body FROM docs WHERE docs MATCH 'bulkheads'").fetchall() == [("divided by bulkheads",)]
    copy = sqlite3.connect(path + "-copy")
    db.backup(copy, pages=10)
    assert copy.execute("SELECT count(*) FROM t").fetchone() == (ROWS,)
    check(copy)


def main():
    for journal in ["delete", "wal"]:
        for exercise in [writers, killed, busy, queries]:
            with tempfile.TemporaryDirectory() as folder:
                exercise(os.path.join(folder, "db"), journal)
            print(f"{exercise.__name__} {journal}", flush=True)


if __name__ == "__main__":
    {"count": count, "die": die}[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 else main()
