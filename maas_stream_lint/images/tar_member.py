"""Members of a tar from an untrusted hand, for tarfile: it reads headers of any length whole."""

from __future__ import annotations

import tarfile

from maas_stream_lint.images.bounds import BOUNDS


class Member(tarfile.TarInfo):
    """A member whose headers are bounded. Raises ReadError for longer ones."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo | None:
        if not self.isreg() and not self.issparse() and self.size > BOUNDS.header:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        done: tarfile.TarInfo | None = super()._proc_member(tar)  # type: ignore[misc]
        return done
