#!/usr/bin/env python3
"""Writes the public-domain training texts of the bundled model as plain UTF-8 files into a folder.

Sources, both Debian packages: r-cran-janeaustenr (six novels of Jane Austen, from Project Gutenberg, public domain) and
bible-kjv (the King James Bible, public domain). Uses only the Python standard library and the `bible` programme.
"""
import pathlib
import re
import struct
import subprocess
import sys
import zlib

NOVELS = {"emma": "Emma", "mansfieldpark": "Mansfield Park", "northangerabbey": "Northanger Abbey", "persuasion": "Persuasion",
          "prideprejudice": "Pride and Prejudice", "sensesensibility": "Sense and Sensibility"}
RDB = pathlib.Path("/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
STRING_VECTOR, STRING = 16, 9


def serialised_objects(data):
    """An .rdb file is a sequence of: big-endian u32 size, then zlib bytes that expand to an object in R's XDR serialisation."""
    at = 0
    while at + 4 < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        inflate = zlib.decompressobj()
        body = inflate.decompress(data[at + 4:])
        assert len(body) == size, "not an .rdb file with zlib compression"
        yield body
        at = len(data) - len(inflate.unused_data)


def strings(body):
    """The strings of a serialised character vector; None for any other object."""
    for at in range(14, min(len(body) - 8, 64)):
        flags, count = struct.unpack_from(">II", body, at)
        if flags & 0xFF == STRING_VECTOR and 1000 < count < 100000:
            break
    else:
        return None
    lines, at = [], at + 8
    for _ in range(count):
        flags, size = struct.unpack_from(">Ii", body, at)
        if flags & 0xFF != STRING:
            return None
        at += 8
        lines.append(body[at:at + max(size, 0)].decode("utf-8", "replace"))
        at += max(size, 0)
    return lines


def prose(lines):
    """Wrapped lines joined to one line per paragraph; the title page and the chapter numbers go."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    text = [" ".join(paragraph.split()) for paragraph in paragraphs]
    first = next(i for i, paragraph in enumerate(text) if len(paragraph) > 100)
    chapter = re.compile(r"(chapter|volume)\b.{0,12}$", re.IGNORECASE)
    kept = [p.replace("_", "").replace("--", " - ") for p in text[first:] if p and not chapter.match(p)]
    return "\n".join(kept) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for body in serialised_objects(RDB.read_bytes()):
        lines = strings(body)
        if lines is None:
            continue
        title = next(line for line in lines if line.strip()).strip().lower()
        name = next((key for key, value in NOVELS.items() if value.lower() in title.replace("&", "and")), None)
        if name is None:
            sys.exit(f"a novel of unknown title: {title}")
        (folder / f"{name}.txt").write_text(prose(lines), encoding="utf-8")
    verses = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], capture_output=True, text=True, check=True).stdout
    text = " ".join(re.sub(r"^\S+ ?\d+:\d+ ", "", line) for line in verses.splitlines())
    (folder / "kjv.txt").write_text(re.sub(r"[{}]", "", text) + "\n", encoding="utf-8")
    for path in sorted(folder.glob("*.txt")):
        print(f"{path.name}\t{path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
