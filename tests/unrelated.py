"""Two thousand lines of syslog that have nothing to do with images, made from patterns.

Many come close to what MAAS writes: database errors of other programs, downloads that fail.
"""

# ruff: noqa: E501 - lines of logs are long
from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

#: Program and text; ``#`` becomes a number, ``@`` a host name, ``%`` a word.
PATTERNS: tuple[tuple[str, str], ...] = (
    ("kernel", "[#.#] usb 1-#: new high-speed USB device number # using xhci_hcd"),
    (
        "kernel",
        "[#.#] EXT4-fs (sda#): mounted filesystem with ordered data mode. Quota mode: none.",
    ),
    ("kernel", "[#.#] blk_update_request: I/O error, dev sd%, sector # op 0x0:(READ)"),
    (
        "kernel",
        '[#.#] audit: type=1400 audit(#.#:#): apparmor="DENIED" operation="open" profile="snap.maas.pebble" name="/proc/#/mounts"',
    ),
    ("kernel", "[#.#] Out of memory: Killed process # (python3) total-vm:#kB"),
    ("kernel", "[#.#] squashfs: SQUASHFS error: xz decompression failed, data probably corrupt"),
    ("kernel", "[#.#] TCP: request_sock_TCP: Possible SYN flooding on port #. Sending cookies."),
    ("kernel", "[#.#] nf_conntrack: nf_conntrack: table full, dropping packet"),
    ("sshd[#]", "Accepted publickey for % from 10.0.#.# port # ssh2: RSA SHA256:#"),
    ("sshd[#]", "Failed password for invalid user % from 10.0.#.# port # ssh2"),
    ("sshd[#]", "error: kex_exchange_identification: Connection closed by remote host"),
    ("sshd[#]", "fatal: Timeout before authentication for 10.0.#.# port #"),
    ("sshd[#]", "error: Received disconnect from 10.0.#.# port #:#: Connection reset by peer"),
    ("systemd[1]", "Started Session # of User %."),
    ("systemd[1]", "%.service: Main process exited, code=exited, status=#/FAILURE"),
    ("systemd[1]", "%.service: Failed with result 'exit-code'."),
    ("systemd[1]", "Starting Download data for packages that failed at package install time..."),
    ("systemd[1]", "Finished Message of the Day."),
    (
        "systemd-resolved[#]",
        "Using degraded feature set UDP instead of UDP+EDNS0 for DNS server 10.0.#.#.",
    ),
    ("systemd-networkd[#]", "eth#: Lost carrier"),
    ("systemd-timesyncd[#]", "Timed out waiting for reply from 10.0.#.#:123 (@)."),
    (
        "apt[#]",
        "Err:# http://archive.ubuntu.com/ubuntu jammy-updates InRelease 404  Not Found [IP: 10.0.#.# 80]",
    ),
    (
        "apt[#]",
        "W: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/jammy/InRelease  Could not resolve 'archive.ubuntu.com'",
    ),
    (
        "apt[#]",
        "W: GPG error: http://@ ./ Release: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY #",
    ),
    (
        "apt-get[#]",
        "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?",
    ),
    ("unattended-upgrade[#]", "Packages that will be upgraded: % linux-image-generic"),
    ("dpkg[#]", "status installed linux-image-5.15.0-#-generic:amd64 5.15.0-#.#"),
    ("apt-key[#]", 'gpgv: BAD signature from "% <%@@>"'),
    ("gpgv[#]", "gpgv: Can't check signature: No public key"),
    ("postgres[#]", "[#-1] ERROR:  value too long for type character varying(32)"),
    (
        "postgres[#]",
        "[#-1] ERROR:  current transaction is aborted, commands ignored until end of transaction block",
    ),
    ("postgres[#]", "[#-1] ERROR:  could not serialize access due to concurrent update"),
    ("postgres[#]", "[#-1] ERROR:  bigint out of range"),
    ("postgres[#]", "[#-1] ERROR:  deadlock detected"),
    ("postgres[#]", "[#-1] ERROR:  invalid input syntax for type json"),
    ("postgres[#]", "[#-1] ERROR:  unsupported Unicode escape sequence"),
    ("postgres[#]", "[#-2] DETAIL:  Key (name)=(%) already exists."),
    ("postgres[#]", "[#-1] LOG:  checkpoint complete: wrote # buffers (0.#%); sync=0.# s"),
    ("postgres[#]", '[#-1] FATAL:  password authentication failed for user "%"'),
    ("", "# UTC [#] ERROR:  value too long for type character varying(#)"),
    ("", '# UTC [#] % ERROR:  null value in column "%" violates not-null constraint'),
    ("nginx[#]", '10.0.#.# - - "GET /images/%.tar.gz HTTP/1.1" 404 # "-" "curl/7.#"'),
    (
        "nginx[#]",
        '10.0.#.# - - "GET /MAAS/api/2.0/machines/ HTTP/1.1" 200 # "-" "Go-http-client/1.1"',
    ),
    (
        "nginx",
        "#/#/# [error] #: *# connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.#.#",
    ),
    ("nginx", '#/#/# [error] #: *# open() "/var/www/%" failed (2: No such file or directory)'),
    ("nginx", "#/#/# [warn] #: *# an upstream response is buffered to a temporary file"),
    (
        "nginx",
        "#/#/# [crit] #: *# SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share)",
    ),
    ("snapd[#]", 'storehelpers.go:#: cannot refresh: snap has no updates available: "%"'),
    (
        "snapd[#]",
        'stateengine.go:#: state ensure error: Get "https://api.snapcraft.io/v2": dial tcp: lookup api.snapcraft.io: Temporary failure in name resolution',
    ),
    (
        "snapd[#]",
        "daemon.go:#: started snapd/2.# (series 16; classic) ubuntu/22.04 (amd64) linux/5.15.0-#-generic.",
    ),
    ("cloud-init[#]", "Cloud-init v. #.# running 'modules:final'. Up # seconds."),
    (
        "ubuntu-advantage[#]",
        "Failed to access URL: https://contracts.canonical.com/v1/resources. Cannot verify certificate of server",
    ),
    ("python3[#]", "KeyError: 'label'"),
    ("python3[#]", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
    ("python3[#]", "ValueError: too many values to unpack (expected 2)"),
    (
        "python3[#]",
        "subprocess.CalledProcessError: Command '['%']' returned non-zero exit status #.",
    ),
    ("python3[#]", "AttributeError: 'NoneType' object has no attribute 'get'"),
    (
        "python3[#]",
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='@', port=443): Max retries exceeded with url: /v#",
    ),
    ("python3[#]", "ConnectionResetError: [Errno 104] Connection reset by peer"),
    (
        "python3[#]",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0x# in position #: invalid start byte",
    ),
    ("python3[#]", "ZeroDivisionError: division by zero"),
    ("gunicorn[#]", "[#] [ERROR] Exception in worker process"),
    ("dockerd[#]", 'time="#" level=error msg="Error downloading image @/%: manifest unknown"'),
    ("dockerd[#]", 'time="#" level=info msg="Layer sha256:# cleaned up"'),
    ("containerd[#]", 'time="#" level=info msg="ImageCreate event name:\\"@/%:latest\\""'),
    (
        "lxd[#]",
        'time="#" level=error msg="Failed to download image" err="Get \\"https://images.lxd.canonical.com/streams/v1/index.json\\": EOF"',
    ),
    ("rsync[#]", "sent # bytes  received # bytes  # bytes/sec"),
    ("rsync[#]", "Sync complete"),
    ("rsyncd[#]", "rsync error: error in socket IO (code 10) at clientserver.c(#)"),
    ("backup.sh[#]", "tar: /home/%: file changed as we read it"),
    ("backup.sh[#]", "No space left on device"),
    ("backup[#]", "Invalid checksum"),
    ("CRON[#]", "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)"),
    ("sudo", "%: TTY=pts/# ; PWD=/home/% ; USER=root ; COMMAND=/usr/bin/apt update"),
    ("dhclient[#]", "DHCPREQUEST of 10.0.#.# on eth# to 10.0.#.# port 67"),
    ("dhcpd[#]", "DHCPDISCOVER from 52:54:00:#:#:# via eth#: network 10.0.#.0/24: no free leases"),
    ("named[#]", "client @0x# 10.0.#.##: query (cache) '@/A/IN' denied"),
    ("chronyd[#]", "Selected source 10.0.#.#"),
    (
        "kubelet[#]",
        'E# pod_workers.go:#] "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"%\\" with ImagePullBackOff"',
    ),
    (
        "glance-api[#]",
        "ERROR glance.api.v2.images [-] Failed to upload image data due to HTTP error: HTTPNotFound",
    ),
    ("juju[#]", "WARNING juju.apiserver log sink: # dropped"),
    ("ModemManager[#]", "<info> [base-manager] couldn't check support for device"),
    ("multipathd[#]", "sda: add missing path"),
    ("fwupd[#]", "Failed to load metadata: failed to download file: Timeout was reached"),
    ("git[#]", "error: RPC failed; curl 56 GnuTLS recv error (-54): Error in the pull function."),
    ("temperature", "Deleting obsolete readings older than # days"),
    ("updater[#]", "Downloading from http://@/%/#"),
    ("updater[#]", "Starting activity %"),
    ("updater[#]", "file % deleted"),
    ("updater[#]", "Unable to delete /tmp/%: Permission denied"),
    ("mirror[#]", "Request to @ failed"),
    ("importer[#]", "Import failed!"),
    ("importer[#]", "Importing # rows from %.csv"),
    ("importer[#]", "Ignoring unsupported option %"),
    ("importer[#]", "Failed to import % from @: timeout"),
)
_WORDS = ("alpha", "bravo", "cron", "delta", "echo", "fox", "golf", "ubuntu", "maas", "noble")
_HOSTS = ("db1.example.com", "web-2", "mirror.example.net", "node7.maas")


def lines(count: int = 2_000) -> list[str]:
    """So many lines, always the same."""
    chance = random.Random(13)
    made = []
    now = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
    for number in range(count):
        program, text = PATTERNS[number % len(PATTERNS)]
        now += timedelta(seconds=chance.random() * 9)
        text = "".join(_filled(char, chance) for char in text)
        if not program:
            made.append(f"{now:%Y-%m-%d %H:%M:%S}.{text.split(' ', 1)[0]} {text.split(' ', 1)[1]}")
            continue
        program = program.replace("#", str(chance.randrange(300, 99_999)))
        stamp = now.isoformat() if number % 3 else f"{now:%b %d %H:%M:%S}"
        made.append(f"{stamp} {chance.choice(_HOSTS)} {program}: {text}")
    return made


def _filled(char: str, chance: random.Random) -> str:
    if char == "#":
        return str(chance.randrange(1, 9_999))
    if char == "%":
        return chance.choice(_WORDS)
    return chance.choice(_HOSTS) if char == "@" else char
