"""Rules on the kernels of Ubuntu products: whether MAAS can read and offer them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import saying
from maas_stream_lint.checks.use import flaw_of, listed_kernel
from maas_stream_lint.checks.words import MANY
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.identity import GENERIC
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import WHOLE, quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.uploads import is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole


@rule("MSL418", Severity.UNUSABLE, causes=["subarch-no-kernel"])
def ubuntu_generic_subarch(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu release has no product whose `subarch` names a kernel.

    MAAS: MAAS lists the subarches `ga-…` and `hwe-…` of complete Ubuntu sets as kernels
        (`get_hwe_kernels`, maasserver/models/bootresource.py). From 3.4 on they can begin with a
        platform. Other texts, such as `generic` or `custom`, name no kernel. The deployment of the
        release then ends with `noble has no kernels available.` (`get_working_kernel`, up to 3.3
        `validate_hwe_kernel`, maasserver/utils/osystems.py).
    Why: MAAS reads the subarch of an Ubuntu product as the name of its kernel. The text `generic`
        belongs in `subarches`: it says that the kernel runs on common machines.
    Fix: for the release's own kernel, write `"subarch": "ga-24.04"`, `"subarches":
        "generic,ga-24.04"` and `"kflavor": "generic"`, and end the product's name in `:ga-24.04`.
    Example:
        "subarch": "generic",
    """
    product = look.catalog.product(event.place)
    if product is None:
        return
    version, subarch = product.get("version"), product.get("subarch")
    told = "an empty `subarch`" if subarch == "" else f"subarch {quoted(subarch or GENERIC)}"
    kernel = f"`ga-{version}`" if version and is_plain(version) else "`ga-VERSION`"
    yield Said(
        f"Ubuntu {quoted(product.get('release'))} for {quoted(product.get('arch'))} has only "
        f"{told}, which names no kernel",
        f"name the kernel: `subarch` {kernel}, `subarches` `{GENERIC}` and {kernel}",
        place=product.at("subarch"),
        also=event.values["also"][:MANY],
        effect="imports the image, but has no kernel to deploy it with",
    )


@rule(
    "MSL419",
    Severity.UNUSABLE,
    on="stream",
    causes=["kernel-unparsable", "kernel-of-unknown-release"],
)
def subarch_unparsable(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """MAAS fails on every list of kernels because it cannot read this kernel's name.

    MAAS: MAAS 3.4 and later reads a kernel's name as
        `[platform-](ga|hwe[-edge])-release[-flavour][-edge]` (`parse_subarch_kernel_string`,
        maasserver/utils/osystems.py). The flavour is the one that MAAS itself adds. If the name
        has both `ga` and `hwe`, MAAS fails with `Kernel … has multiple channels specified!`. If
        nothing follows the channel, it fails with `Kernel … has no release specified`. This
        happens whenever MAAS lists kernels, for any release (`get_hwe_kernels`,
        maasserver/models/bootresource.py). MAAS reads `subarches` in the same way when it lists
        kernels for a machine's minimum kernel. It still deploys the image itself. MAAS 3.3 and
        older read `ga-hwe-22.04` as a kernel of a release `hwe`, which they do not know.
    Why: one complete image with such a name breaks the list of kernels for all images.
    Fix: write `ga-24.04`, `hwe-24.04`, `hwe-24.04-edge` or `nvidia-ga-24.04`. Write the flavour
        into `kflavor` only.
    Example:
        "subarch": "ga-hwe-22.04",
    """
    remedy = "write it like `ga-24.04`, `hwe-24.04-edge` or `nvidia-ga-24.04`"
    if not isinstance(seen, Event):
        yield from listed_kernel(
            look, "kernel-unparsable", "which MAAS cannot read as a kernel", remedy
        )
        return
    product, text = look.catalog.product(seen.place), str(seen.values["kernel"])
    flaw = flaw_of(text)
    if flaw is not None and product is not None:  # else unknown_kernel_release has it
        yield Said(
            f"MAAS cannot read subarch {quoted(text)} as a kernel: it {flaw}",
            remedy,
            place=product.at("subarch"),
            also=seen.values["also"][:MANY],
            effect="imports the image, and then fails whenever it lists kernels",
        )


def _unlisted(subarch: str | None, subarches: str | None) -> bool:
    """Whether ``subarches`` of a product may lack its subarch."""
    return None not in (subarch, subarches) and subarch not in str(subarches).split(",")


@rule(
    "MSL420",
    Severity.WARNING,
    on="product",
    among=saying("subarch", "subarches", odd=_unlisted),
)
def subarch_not_in_subarches(product: Product, look: Look) -> Iterator[Said]:
    """A product's `subarch` is not in its own `subarches`.

    MAAS: `subarches` lists what the image supports, and MAAS finds an image by each of them. MAAS
        adds the image's own `subarch` itself (`supports_subarch`,
        maasserver/models/bootresource.py), so nothing is lost. MAAS 3.8 lists a root tarball by
        `subarches` only (`BootSourceCacheBuilder`, maasservicelayer/builders/bootsourcecache.py).
    Why: one of the two fields is probably wrong: somebody changed a release number in one field and
        not in the other. A machine that asks for the subarch in `subarches` then gets this image.
    Fix: list the product's own `subarch` in `subarches`, without spaces: `generic,ga-24.04`.
    Example:
        "subarches": "generic,ga-22.04",
    """
    subarch, subarches = product.get("subarch"), product.get("subarches")
    if subarch is None or subarches is None or product.bootloader:
        return
    if subarch in (offered := subarches.split(",")):
        return
    whole = f"{subarches},{subarch}"
    if subarch not in subarches or subarch.strip() not in map(str.strip, offered):
        yield Said(
            f"subarch {quoted(subarch)} is not in `subarches` {quoted(subarches)}",
            f"correct one of the two, for example `subarches` to {quoted(whole, WHOLE)}",
            place=product.at("subarches"),
            also=(product.at("subarch"),),
            lines=look.takes(product.place),
            effect="imports the image for these subarches and for its own",
        )
