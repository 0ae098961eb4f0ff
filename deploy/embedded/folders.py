"""Folders for a server that runs as another user than we do, without touching anybody else's permissions."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from deploy.embedded.process import Identity

_OUTSIDE = Path("/var/tmp")  # kept over reboots, reachable by every user


def server_identity() -> Identity | None:
    """Whom servers that refuse root run as: `nobody` when we are root, else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    return Identity(user.pw_uid, user.pw_gid)


def reachable(folder: Path, identity: Identity | None) -> bool:
    """True if `identity` can enter `folder` (asked of the kernel, so ACLs and groups count)."""
    if identity is None:
        return os.access(folder, os.X_OK)
    asked = subprocess.run(
        ["test", "-x", folder], cwd="/", user=identity.uid, group=identity.gid, extra_groups=[], capture_output=True
    )
    return asked.returncode == 0


def fingerprint(path: Path) -> str:
    """Twelve hex digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]


def own_folder(folder: Path, identity: Identity | None, mode: int = 0o700) -> Path:
    """Make `folder`, or take it if it is ours: a real directory of `identity`'s (or ours).

    Raises PermissionError otherwise.
    """
    uid, gid = (identity.uid, identity.gid) if identity else (os.geteuid(), os.getegid())
    try:
        folder.mkdir(mode=mode)
        if identity:
            os.chown(folder, uid, gid)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
            raise PermissionError(f"{folder} is not a folder of user {uid}: move it away and start again") from None
    folder.chmod(mode)
    return folder


def server_home(wanted: Path, identity: Identity | None) -> Path:
    """A folder of `identity`'s: `wanted`, or one in /var/tmp with a link to it at `wanted`.

    The latter where that user cannot enter the parents of `wanted`.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if reachable(wanted.parent, identity) and not wanted.is_symlink():
        return own_folder(wanted, identity)
    if (moved := _moved_home(wanted)) is not None:
        return own_folder(moved, identity)
    outside = own_folder(_OUTSIDE / f"presswork-{fingerprint(wanted)}", identity)
    if wanted.is_symlink():
        wanted.unlink()
    elif wanted.is_dir():  # was reachable once
        for entry in wanted.iterdir():
            shutil.move(entry, outside)
        wanted.rmdir()
    wanted.symlink_to(outside)
    (outside / "origin").write_text(str(wanted))
    return outside


def _moved_home(link: Path) -> Path | None:
    """Where `link` points, if that home was made for it, or for a path that is gone.

    So a moved checkout keeps its data, and a copied one gets its own.
    """
    if not link.is_symlink():
        return None
    home = link.readlink()
    try:
        origin = Path((home / "origin").read_text())
        if origin != link and origin.is_symlink():
            return None
        (home / "origin").write_text(str(link))
    except OSError:
        return None
    return home


def socket_path(home: Path) -> Path:
    """Where a server's unix socket goes: in its home, else, if that path is too long for one (107 bytes), outside."""
    inside = home / "run"
    if len(os.fsencode(inside)) < 85:
        return inside
    return Path(tempfile.gettempdir()) / f"presswork-{fingerprint(home)}"


def reachable_copy(tree: Path, name: str, identity: Identity | None, *, also: Path) -> Path:
    """`tree` itself if `identity` can enter it, else a copy with the sibling folder `also` beside it.

    The copy is made once and never writable by others. `name` says what and which version it is, as part of its path.
    """
    if reachable(tree, identity):
        return tree
    target = _OUTSIDE / f"presswork-{name}-{fingerprint(tree)}"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=_OUTSIDE, prefix="presswork-copy-") as scratch:
            made = Path(scratch) / "copy"
            shutil.copytree(tree, made / tree.name, symlinks=True)
            if also.is_dir():
                shutil.copytree(also, made / also.name, symlinks=True)
            made.chmod(0o755)
            try:
                made.rename(target)
            except OSError:  # somebody else was faster
                if not target.is_dir():
                    raise
    found = target.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{target} is not ours alone: remove it and start again")
    return target / tree.name
