"""Recipes' revisions, and what people said of them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from inspector.adapters.journal_sql import registers, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS
from inspector.adapters.journal_sql.rows import Columns, from_us, text_of, to_us
from inspector.adapters.journal_sql.trail import Trail
from inspector.domain.errors import ReviewError
from inspector.ports.revisions import Revision, Standing

_PROPOSED = Standing.PROPOSED.value


class SqlShelf:
    """Fulfils ``RevisionShelf``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def revisions(self, kind: str, *, name: str = "", limit: int = 100) -> Sequence[Revision]:
        """Newest first. See ``RevisionShelf``."""
        known, word = tables.revision, registers.revision_word
        query = select(known).where(known.c.kind == kind)
        if name:
            query = query.where(known.c.name == name)
        newest = query.order_by(known.c.stored_us.desc(), known.c.sha256).limit(min(limit, MOST_ROWS))
        with self._file.reading() as connection:
            rows = connection.execute(newest).mappings().all()
            said = connection.execute(select(word).where(word.c.kind == kind).order_by(word.c.id)).mappings().all()
        words: dict[str, dict[str, Columns]] = {}
        for row in said:
            words.setdefault(row["sha256"], {})[row["word"]] = row
        return [_revision(row, words.get(row["sha256"], {})) for row in rows]

    def revision(self, kind: str, sha256: str) -> Revision | None:
        """One by its sha256. See ``RevisionShelf``."""
        known, word = tables.revision, registers.revision_word
        its = select(known).where(known.c.kind == kind, known.c.sha256 == sha256).limit(1)
        its_words = select(word).where(word.c.kind == kind, word.c.sha256 == sha256).order_by(word.c.id)
        with self._file.reading() as connection:
            row = connection.execute(its).mappings().one_or_none()
            said = connection.execute(its_words).mappings().all()
        return None if row is None else _revision(row, {one["word"]: one for one in said})

    def propose(self, kind: str, name: str, content: str, *, by: str, at_utc: datetime) -> str:
        """Store a text that is to be approved. See ``RevisionShelf``."""
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        row = {
            "kind": kind,
            "sha256": sha256,
            "name": text_of(name),
            "content": content,
            "stored_us": to_us(at_utc),
        }
        with self._file.writing() as connection:
            stored = connection.execute(upsert(tables.revision).on_conflict_do_nothing(), row)
            if stored.rowcount:
                _say(connection, row, _PROPOSED, by, "", at_utc)
        return sha256

    def decide(self, kind: str, sha256: str, *, by: str, approved: bool, comment: str, at_utc: datetime) -> None:
        """Approve or reject, once. See ``RevisionShelf``."""
        known, word = tables.revision, registers.revision_word
        with self._file.writing() as connection:
            its = select(known).where(known.c.kind == kind, known.c.sha256 == sha256)
            row = connection.execute(its.limit(1)).mappings().one_or_none()
            if row is None:
                raise ReviewError(f"there is no {kind} revision {sha256[:12]} in this journal")
            asked = select(word.c.word, word.c.who).where(word.c.kind == kind, word.c.sha256 == sha256)
            said = {one.word: one.who for one in connection.execute(asked)}
            decided = said.keys() - {_PROPOSED}
            if decided or _PROPOSED not in said:
                stands = next(iter(decided), Standing.LOADED.value)
                raise ReviewError(
                    f"{kind} {row['name']} revision {sha256[:12]} is {stands}: there is nothing to decide"
                )
            if said[_PROPOSED] == text_of(by):
                raise ReviewError(f"{by} proposed {kind} {row['name']} revision {sha256[:12]}: another person decides")
            verdict = Standing.APPROVED if approved else Standing.REJECTED
            _say(connection, row, verdict.value, by, comment, at_utc)


def _say(connection: Connection, row: Columns, word: str, by: str, comment: str, at_utc: datetime) -> None:
    """Write a word and its row in the audit chain."""
    kind, sha256, name = row["kind"], row["sha256"], row["name"]
    said = {
        "kind": kind,
        "sha256": sha256,
        "name": name,
        "word": word,
        "who": text_of(by),
        "comment": text_of(comment),
        "at_us": to_us(at_utc),
    }
    connection.execute(insert(registers.revision_word), said)
    content = {"name": name, "comment": comment}
    Trail(connection).add(at_utc=at_utc, who=by, action=f"{kind}.{word}", subject=sha256, content=content)


def _revision(row: Columns, words: Mapping[str, Columns]) -> Revision:
    decided = words.get("approved") or words.get("rejected")
    proposed = words.get(_PROPOSED)
    return Revision(
        kind=row["kind"],
        name=row["name"],
        sha256=row["sha256"],
        content=row["content"],
        stored_utc=from_us(row["stored_us"]),
        standing=Standing(decided["word"] if decided else _PROPOSED if proposed else "loaded"),
        proposed_by=proposed["who"] if proposed else "",
        decided_by=decided["who"] if decided else "",
        comment=decided["comment"] if decided else "",
    )
