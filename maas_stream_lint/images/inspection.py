"""Looks at all requested image files, with several threads."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

from maas_stream_lint.images.allowance import Allowance, Overspent, Purse
from maas_stream_lint.images.cache import HashCache, default_folder
from maas_stream_lint.images.listing import files_in, is_tree
from maas_stream_lint.images.local_files import LocalFiles, asked
from maas_stream_lint.images.observation import Survey
from maas_stream_lint.images.progress import Quiet
from maas_stream_lint.images.tree_memory import TreeMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from maas_stream_lint.images.listing import OnDisk
    from maas_stream_lint.images.observation import FileOptions, Seen, Wanted
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.images.remote_files import RemoteFiles
    from maas_stream_lint.source import Answer, FetchOptions, LocalTree
    from maas_stream_lint.source.http import Client
    from maas_stream_lint.source.remote import RemoteTree

#: Requests at once to one server, unless somebody says otherwise.
REMOTE_JOBS = 8
#: A HEAD request goes to so many of the files, evenly spread. It only leads to advice.
MOST_HEADS = 64
#: Names that go with images without being one.
COMPANIONS = (".asc", ".gpg", ".sig", ".sha256", ".md5", ".html", ".txt", ".md", "SUMS")


def inspect_local(
    tree: LocalTree,
    wanted: dict[str, Wanted],
    options: FileOptions,
    named: Callable[[], frozenset[str] | None] | None,
    told: Progress | None = None,
) -> Survey:
    """Look at the image files of a tree on disk. ``wanted``: by their paths.

    ``named``: gives the paths of all files that any metadata names, or ``None`` if they are not
    known. Without it, nobody wants to know which files no metadata names.
    """
    stop = threading.Event()
    survey = Survey(options.mode or "download", wanted=wanted)
    with closing(_cache(options, survey.mode)) as cache:
        memory = TreeMemory(cache, tree.folder)
        present = _present(tree.folder, memory)
        if options.mode is None and present is not None and not present:
            return Survey("none", metadata_only=True)
        images = LocalFiles(tree, memory, stop, present)
        survey.files = images.look(survey.wanted)
        readable = {path: s for path, s in survey.files.items() if s.trouble is None}
        if options.mode is None and not readable and _holds_none(present, survey.files):
            return Survey("none", wanted=survey.wanted, metadata_only=True)
        _tell_elsewhere(survey, present)
        hashing = survey.mode == "download"
        if hashing:
            images.recall(survey.wanted, readable)
        unread = [(survey.wanted[path], s) for path, s in readable.items() if not s.cached]
        left = [(w, seen, asked(w) if hashing else ()) for w, seen in unread]
        # The largest first, or one is left over for a single hand in the end.
        left.sort(key=lambda task: -(task[1].size or 0))
        progress = told or Quiet()
        progress.begin(len(left), sum(s.size or 0 for _, s, _ in left) if hashing else 0)

        def look(task: tuple[Wanted, Seen, tuple[str, ...]]) -> None:
            w, seen, algorithms = task
            images.read(seen, w, algorithms, progress)
            progress.finished(w.path)

        try:
            if left:
                from maas_stream_lint.images.pool import Pool

                jobs = options.jobs or os.cpu_count() or 1
                survey.interrupted = not Pool(stop).run(left, jobs, lambda: look)
        finally:
            progress.end()
            memory.save(present or ())
    survey.orphans = _orphans(survey, present or {}, named)
    return survey


def _present(root: str, memory: TreeMemory) -> dict[str, OnDisk] | None:
    """The plain files of a tree, metadata aside, none if it is no tree; ``None``: too many."""
    if not is_tree(root):
        return {}
    try:
        return files_in(root, held=memory.held)
    except OverflowError:
        return None


def _orphans(
    survey: Survey,
    present: Mapping[str, OnDisk],
    named: Callable[[], frozenset[str] | None] | None,
) -> dict[str, int]:
    """The files that no metadata names, with their sizes; companions of files aside."""
    left = present.keys() - survey.wanted.keys() if named is not None else ()
    names = named() if named is not None and left else None
    if names is None:
        return {}
    return {
        path: present[path].size
        for path in sorted(left)
        if path not in names and not path.endswith(COMPANIONS)
    }


def inspect_remote(
    tree: RemoteTree,
    wanted: dict[str, Wanted],
    options: FileOptions,
    fetch: FetchOptions,
    metadata: Mapping[str, Answer],
    told: Progress | None = None,
) -> Survey:
    """Look at the image files of a tree on a server.

    ``wanted``: by their paths. ``metadata``: what the server answered before.
    """
    mode = options.mode or "head"
    # These import the HTTP library and TLS.
    from maas_stream_lint.images import remote_files
    from maas_stream_lint.images.pool import Pool, Throttle
    from maas_stream_lint.images.server_probe import probe_server
    from maas_stream_lint.source import http
    from maas_stream_lint.source.watchdog import Watchdog

    stop = threading.Event()
    survey = Survey(mode, wanted=wanted)
    progress = told or Quiet()
    watchdog = Watchdog()
    throttle = Throttle(options.limit_rate, stop)
    purse = Purse(options.max_download)
    index = next(iter(metadata))
    with closing(_cache(options, mode)) as cache, closing(watchdog):
        images = remote_files.RemoteFiles(tree.site, options, cache, throttle, progress, stop)
        every = max(1, -(-len(wanted) // MOST_HEADS))
        heads = {*islice(wanted, 0, None, every)}
        found: dict[str, Seen] = {}
        skipped: list[str] = []

        def look(w: Wanted, client: Client) -> None:
            found[w.path] = seen = images.probe(w, client)
            if w.path in heads and seen.trouble is None:
                images.head(seen, client)
            if mode == "download":
                # What has another length than it should is wrong already, unless it is encoded.
                same = seen.size is None or w.size in (None, seen.size) or seen.encoded_anyway
                # A server that sends no parts may tell a length that it does not keep to.
                same = same or (seen.ranges is not True and (seen.size or 0) > (w.size or 0))
                fine = seen.trouble is None and same and not images.recall(seen, w)
                if not (fine or images.may_be_the_file(seen, w)):
                    progress.advance(w.size or 0)
                elif not _downloaded(images, w, seen, client, purse):
                    skipped.append(w.path)
                    progress.advance(w.size or 0)
            progress.finished(w.path)

        clients: list[Client] = []

        def worker() -> Callable[[Wanted], None]:
            client = http.Client(tree.site, fetch, watchdog)
            clients.append(client)
            return lambda w: look(w, client)

        progress.begin(
            len(wanted), sum(w.size or 0 for w in wanted.values()) if mode == "download" else 0
        )
        jobs = options.jobs or REMOTE_JOBS
        try:
            pool = Pool(stop, waiting=mode == "head")
            done = pool.run(list(wanted.values()), jobs, worker, watchdog.cut_all)
            survey.interrupted = not done
            if done:
                had = next((path for path, seen in found.items() if seen.trouble is None), None)
                survey.server = probe_server(tree.site, fetch, watchdog, index, metadata, had)
        except KeyboardInterrupt:
            survey.interrupted = True
        finally:
            progress.end()
            for client in clients:
                client.close()
            images.close()
        # A copy: of threads that were given up, one may still come to an end.
        survey.files = {path: found[path] for path in wanted if path in found}
        survey.skipped = tuple(sorted(skipped))
    return survey


def _downloaded(
    images: RemoteFiles, wanted: Wanted, seen: Seen, client: Client, purse: Purse
) -> bool:
    """Download a file, unless that takes more bytes than are left."""
    size = seen.size or wanted.size or 0
    if not purse.spend(size):
        return False
    try:
        images.download(wanted, seen, client, Allowance(purse, size))
    except Overspent:
        return False
    return True


def _cache(options: FileOptions, mode: str) -> HashCache:
    return HashCache(default_folder() if options.cache and mode == "download" else None)


def _holds_none(present: Mapping[str, OnDisk] | None, missing: Iterable[str]) -> bool:
    """Whether a tree holds no file of the name of a missing one.

    Files that lie elsewhere are no reason to look away: then the paths are wrong.
    """
    names = {path.rpartition("/")[2] for path in missing}
    return present is not None and not any(p.rpartition("/")[2] in names for p in present)


def _tell_elsewhere(survey: Survey, present: Mapping[str, OnDisk] | None) -> None:
    missing = [seen for seen in survey.files.values() if seen.trouble is not None]
    if not missing or not present:
        return
    by_name: dict[str, list[str]] = {}
    for path in present:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for seen in missing:
        found = by_name.get(seen.path.rpartition("/")[2], ())
        size = survey.wanted[seen.path].size
        likely = [path for path in found if size in (None, present[path].size)] or list(found)
        if likely and len(likely) <= 3:
            survey.elsewhere[seen.path] = tuple(likely)
