"""Files that are there as a whole or not at all, whatever stops the program."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: How the name of an unfinished file ends: what a killed run left can be told by it.
UNFINISHED = ".maas-stream-lint"
#: Of renameat2(2): a name is below the working directory; two names change places.
_AT_FDCWD, _EXCHANGE = -100, 2


def replace(
    target: Path, parts: Iterable[bytes], *, like: Path | None = None, strict: bool = False
) -> None:
    """Write a file beside ``target``, sync it and rename it.

    The new file takes owner, group, mode and extended attributes from the file that it replaces,
    or from ``like`` where there is none. ``strict``: raise PermissionError where owner or group
    cannot be kept and somebody could no longer read the file. Raises OSError.
    """
    with beside(target) as unfinished:
        write(unfinished, parts)
        if target.exists():
            take_after(target, unfinished, strict=strict)
        elif like is not None:
            take_after(like, unfinished)
        unfinished.replace(target)


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Give a new name in the folder of ``target``; what has it afterwards is removed."""
    unfinished = target.with_name(f".{target.name[:180]}.{secrets.token_hex(6)}{UNFINISHED}")
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def write(place: Path, parts: Iterable[bytes]) -> None:
    """Write a new file, down to the disk. Raises OSError; FileExistsError if it is there."""
    with place.open("xb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())


def take_after(model: Path, place: Path, *, strict: bool = False) -> None:
    """Give a file or folder the owner, group, mode and extended attributes of another.

    ACLs and SELinux labels are extended attributes. ``strict``: raise PermissionError where owner
    or group cannot be kept and somebody could no longer read it.
    """
    wanted = model.stat()
    _own(place, wanted, strict=strict)
    _copy_attributes(model, place)
    # Last, since a new owner takes setuid and setgid away, and an ACL changes the group's rights.
    place.chmod(stat.S_IMODE(wanted.st_mode))


def _own(place: Path, wanted: os.stat_result, *, strict: bool) -> None:
    """Set owner and group, or the group alone where the owner cannot be set."""
    have = place.stat()
    if (have.st_uid, have.st_gid) == (wanted.st_uid, wanted.st_gid):
        return
    try:
        os.chown(place, wanted.st_uid, wanted.st_gid)
    except PermissionError:
        with suppress(PermissionError):
            os.chown(place, -1, wanted.st_gid)
        if strict and _locks_out(wanted, place.stat()):
            told = "its owner and group cannot be kept (run as its owner, or as root)"
            raise PermissionError(errno.EPERM, told) from None


def _locks_out(wanted: os.stat_result, have: os.stat_result) -> bool:
    """Whether the old owner or the old group can no longer read a file of the same mode."""
    everybody, group = wanted.st_mode & stat.S_IROTH, wanted.st_mode & stat.S_IRGRP
    if have.st_gid != wanted.st_gid:
        return not everybody
    return have.st_uid != wanted.st_uid and not (everybody or group)


def _copy_attributes(model: Path, place: Path) -> None:
    """Make the extended attributes of ``place`` those of ``model``, as far as one may."""
    if not hasattr(os, "listxattr"):  # not on Linux
        return
    with suppress(OSError):  # not on this file system
        wanted = {name: os.getxattr(model, name) for name in os.listxattr(model)}
        for name in os.listxattr(place):
            if name not in wanted:
                with suppress(OSError):
                    os.removexattr(place, name)
        for name, value in wanted.items():
            with suppress(OSError):  # some take rights that only root has
                os.setxattr(place, name, value)


def exchange(one: Path, other: Path) -> bool:
    """Let two files, or two directories, change places in one step; whether they could.

    Links are not followed. Needs Linux and a file system that can do it (``renameat2``).
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, there = os.fsencode(one), os.fsencode(other)
    return bool(renameat2(_AT_FDCWD, here, _AT_FDCWD, there, _EXCHANGE) == 0)


def synced(folder: Path) -> None:
    """Bring the names in a folder down to the disk, where that can be asked for."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
