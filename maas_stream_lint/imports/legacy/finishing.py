"""What follows the second pass: what MAAS deletes, fetches and keeps.

Mirrors ``BootResourceStore.finalize`` (src/maasserver/bootresources.py). All downloads are taken to
succeed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.storing import Store
    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.imports.stored import HeldResource, Key
    from maas_stream_lint.imports.trace import Outcome

GONE = (
    "Boot image {} no longer exists in stream, but remains in selections. To delete this image "
    "remove its selection."
)
SKIPPED = "Finalization of imported images skipped, or all {} synced images would be deleted."


def finish(
    recorder: PassRecorder,
    store: Store,
    selections: list[Selection] | None,
    outcome: Outcome,
) -> None:
    """Delete what is gone, fetch what is new, and keep each boot resource's newest set.

    ``selections``: those of all sources, ``None`` where everything is selected.
    """
    stored = store.stored
    inserted = {_ident(*key[:2]) for key in store.inserted}
    before = {_ident(*key[:2]) for key in store.before if key in stored.resources}
    to_delete = before - inserted
    skips = before or recorder.answers.policy("finalize-skipped") == "nothing-stored"
    if skips and to_delete == before and not _queued(store, outcome):
        outcome.finalize.append(("error", SKIPPED.format(_set(to_delete))))
        return
    lines = []
    for ident in sorted(to_delete):
        keys = [key for key in stored.resources if _ident(*key[:2]) == ident]
        if keys and _stays(keys[0], stored.resources[keys[0]], selections, to_delete, store):
            lines.append(("info", GONE.format(ident)))
        else:
            for key in keys[:1]:
                stored.drop_resource(key)
    outcome.finalize += lines
    _fetch(store, outcome)
    _keep_newest(recorder, store)


def _ident(name: str, architecture: str) -> str:
    """``BootResourceStore.get_resource_identity``."""
    os, _, series = name.partition("/")
    return f"{os}/{architecture}/{series}"


def _set(idents: set[str]) -> str:
    """A set as Python prints it. Their order changes from run to run."""
    return "{" + ", ".join(map(repr, sorted(idents))) + "}" if idents else "set()"


def _stays(
    key: Key,
    resource: HeldResource,
    selections: list[Selection] | None,
    to_delete: set[str],
    store: Store,
) -> bool:
    """Whether a boot resource that left the stream is kept because a selection takes it.

    Mirrors ``resource_cleaner`` and ``_other_resources_exists``.
    """
    (os, _, series), (arch, _, subarch) = key[0].partition("/"), key[1].partition("/")
    latest = next(reversed(resource.sets.values()), None)
    label = latest.label if latest is not None else ""
    asked = (os, arch, subarch, series, label)
    if selections and not any(row.passes(*asked) for row in selections):
        return False
    others = (other for other in store.stored.resources if other[0] == key[0])
    return not any(
        other[1].startswith(arch) and _ident(*other[:2]) not in to_delete for other in others
    )


def _queued(store: Store, outcome: Outcome) -> dict[str, list[str]]:
    """What MAAS queues: sha256 → sources. It may have the bytes where each file has its own."""
    if outcome.counts_each:
        return store.queued
    arrived = store.stored.arrived
    return {sha256: from_ for sha256, from_ in store.waiting().items() if sha256 not in arrived}


def _fetch(store: Store, outcome: Outcome) -> None:
    """Have all bytes arrive."""
    stored = store.stored
    for sha256, sources in _queued(store, outcome).items():
        if outcome.counts_each or sha256 in stored.needed:
            known = sha256 in stored.arrived
            (outcome.requeued if known else outcome.downloads).append(sha256)
            outcome.from_[sha256] = list(dict.fromkeys(sources))
    for file in stored.files():
        file.complete = True
        stored.arrived.add(file.sha256)


def _keep_newest(recorder: PassRecorder, store: Store) -> None:
    """``resource_set_cleaner``: of each boot resource the newest complete set stays."""
    stored = store.stored
    for resource in stored.resources.values():
        found = False
        for version in reversed(list(resource.sets)):
            if found or not store.is_whole(recorder, resource.sets[version]):
                stored.drop_set(resource, version)
            else:
                found = True
    stored.drop_empty()
