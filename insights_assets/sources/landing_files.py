"""Which files of the landing folder are whose: the files of a source, the files its joins need, and those that nobody reads.

Belongs here: names, places and content hashes. Does not belong here: what is in the files (`files.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from insights_assets.shop.model import Join, SourceMapping
from insights_assets.sources.catalogue import BY_NAME, Source
from insights_assets.sources.mapping import ELSEWHERE, block_of, digest_of, fits

#: Names of uploads that are not finished.
UNFINISHED = (".tmp", ".part")


@dataclass(frozen=True)
class LandingFile:
    """A file of one source: where it is, its name (`mapping.ELSEWHERE` begins one outside the source's folder), and what identifies its content.

    `sha256` is that of the content; where a mapping reads the file, `+` and a hash of mapping and joined files follow: a change of either is news.
    `generation` counts the earlier contents under this name.
    """

    path: str
    name: str
    sha256: str
    generation: int = 0

    @property
    def content_sha256(self) -> str:
        return content_of(self.sha256)


def content_of(sha256: str) -> str:
    """The hash of the content alone, of what identifies a file."""
    return sha256.partition("+")[0]


def list_files(landing: Path, source: Source, blocks: Sequence[SourceMapping] = (), *, only: Collection[Path] | None = None) -> list[LandingFile]:
    """The source's files in name order, of those named in `only` where it is given. Hidden files and unfinished uploads are left alone; a file
    that only serves a join is no record file."""
    found = []
    for name, path in sorted(_candidates(landing, source, blocks)):
        if only is not None and path not in only:
            continue
        block = block_of(name, source.name, blocks)
        found.append(LandingFile(str(path), name, _identity(path, block, landing, source)))
    return found


def joined_files(landing: Path, source: Source, block: SourceMapping, join: Join) -> list[LandingFile]:
    """The files a join reads, in name order; none where they have not come yet."""
    home = landing / (source.name if block.folder is None else block.folder)
    prefix = "" if block.folder is None else ELSEWHERE + (f"{block.folder}/" if block.folder else "")
    names = sorted((path.relative_to(home).as_posix(), path) for path in walk(home))
    return [LandingFile(str(path), prefix + name, content_hash(path)) for name, path in names if fnmatchcase(name, join.file)]


def walk(folder: Path) -> Iterator[Path]:
    """Every finished, visible file below a folder. Links to files are followed, those to folders are not."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        inside = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in inside) and path.suffix not in UNFINISHED and path.is_file():
            yield path


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content; of a file that cannot be opened, of that fact, so that it is told once and tried again when it changes."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    except OSError as error:
        digest.update(f"{path.name}:{error.strerror}".encode())
    return digest.hexdigest()


def strays(landing: Path, mappings: Mapping[str, Sequence[SourceMapping]], unused: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(folder or source, name below the landing folder, reason) of everything that no source reads and nobody declared unused."""
    if not landing.is_dir():
        return []
    taken = {path for name, source in BY_NAME.items() for path in _taken(landing, source, mappings.get(name, ()))}
    mapped_folders = {block.folder for blocks in mappings.values() for block in blocks if block.folder is not None}
    rows = []
    for entry in sorted(landing.iterdir()):
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            name = entry.name
            if entry.suffix not in UNFINISHED and entry not in taken and not _is_unused(name, unused):
                rows.append(("landing", name, _why(entry, "a file outside a source's folder; move it to landing/<source>/, or name it in shop/sources.yaml")))
        elif entry.name not in BY_NAME and not any(folder == entry.name or folder.startswith(f"{entry.name}/") for folder in mapped_folders):
            if not _is_unused(entry.name, unused):
                rows.append((entry.name, f"{entry.name}/", f"unknown folder; sources are {', '.join(BY_NAME)}"))
        else:
            for path in sorted(entry.rglob("*")):
                name = path.relative_to(landing).as_posix()
                is_hidden = any(part.startswith(".") for part in path.relative_to(landing).parts) or path.suffix in UNFINISHED
                if path not in taken and not path.is_dir() and not is_hidden and not _is_unused(name, unused):
                    rows.append((entry.name, name, _why(path, "no block of shop/sources.yaml reads this file; name it in files, joins or unused")))
    return rows


def _is_unused(name: str, unused: Mapping[str, str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in unused)


def _why(path: Path, otherwise: str) -> str:
    if path.is_symlink() and not path.exists():
        return "a link that leads nowhere"
    return otherwise if path.is_file() else "neither a file nor a folder"


def _taken(landing: Path, source: Source, blocks: Sequence[SourceMapping]) -> Iterator[Path]:
    yield from (path for _, path in _candidates(landing, source, blocks))
    for block in blocks:
        for join in block.joins:
            home = landing / (source.name if block.folder is None else block.folder)
            yield from (path for path in walk(home) if fnmatchcase(path.relative_to(home).as_posix(), join.file))


def _candidates(landing: Path, source: Source, blocks: Sequence[SourceMapping]) -> Iterator[tuple[str, Path]]:
    """(name, path) of the files that hold the source's records."""
    own = landing / source.name
    only_joined = [join.file for block in blocks if block.folder is None for join in block.joins]
    for path in walk(own):
        name = path.relative_to(own).as_posix()
        serves_join = any(fnmatchcase(name, pattern) for pattern in only_joined)
        if not serves_join or any(block.files and fits(name, block) for block in blocks):
            yield name, path
    for folder in sorted({block.folder for block in blocks if block.folder is not None}):
        for path in walk(landing / folder):
            name = ELSEWHERE + path.relative_to(landing).as_posix()
            if any(fits(name, block) for block in blocks if block.folder == folder):
                yield name, path


def _identity(path: Path, block: SourceMapping, landing: Path, source: Source) -> str:
    content, said = content_hash(path), digest_of(block)
    if not said:
        return content
    parts = [said, *(file.sha256 for join in block.joins for file in joined_files(landing, source, block, join))]
    return f"{content}+{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:16]}"


def with_generations(files: Iterable[LandingFile], earlier: Mapping[str, int]) -> list[LandingFile]:
    """The files with the number of contents their names had before."""
    return [LandingFile(file.path, file.name, file.sha256, earlier.get(file.name, 0)) for file in files]
