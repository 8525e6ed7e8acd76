"""What a product is, by its ``os``, its ``bootloader-type`` and its newest version's ftypes."""

from __future__ import annotations

from functools import cached_property

from maas_stream_lint.rulebook import System, of_family, systems


class Nature:
    """What a product is. Many products have the same, so a table makes each nature once."""

    def __init__(self, os: str, held: tuple[str | None, ...] | None, *, bootloader: bool) -> None:
        """``held``: an ftype for each item of the newest version; ``None`` without a version."""
        self.os, self.bootloader = os, bootloader
        self.ftypes, self.has_version = held or (), held is not None

    @cached_property
    def notification(self) -> bool:
        """Whether it is a release notification rather than an image."""
        notices = of_family("notice")
        return any(ftype in notices for ftype in self.ftypes)

    @property
    def image(self) -> bool:
        """Whether MAAS can deploy it or commission with it."""
        return not self.bootloader and not self.notification

    @cached_property
    def system(self) -> System:
        """What is known of its ``os``."""
        return systems().get(self.os, System())

    @property
    def ubuntu(self) -> bool:
        """Whether it is plain Ubuntu, which needs kernel, initrd and root image."""
        return self.image and self.system.own_kernel
