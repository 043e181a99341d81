"""The tests of Slurm on a Slurm of their own, on this machine (`make test-slurm`).

One machine that is controller and node in one, as root, with ports, keys, logs and state in a
temporary folder: nothing of a Slurm that is here already is touched. Where there is no Slurm, it is
installed with Debian's packages if that can be done here; if not, it says so plainly, and no test
is run.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tools import debian

PACKAGES = ("slurm-wlm", "munge")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
HERE = "SEMIBACKWARD_SLURM_HERE"
"""Tells the tests in which folder this Slurm lives."""
GPUS = 2
"""That the node says it has; each is a device like /dev/null."""
PATIENCE = 60.0
"""Seconds until a daemon is up, or has ended."""
_WHERE = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
"""A user's path may lack the folders of daemons."""

# A job that is requeued waits until its old credential has expired, two minutes unless told.
CONFIGURATION = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2,bf_interval=2
ReturnToService=2
KillWait=10
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class NotUp(RuntimeError):
    """A Slurm that was to be here is not."""


@contextlib.contextmanager
def started(folder: Path) -> Iterator[dict[str, str]]:
    """A Slurm of one machine inside the block.

    Args:
        folder: an empty one, for all that belongs to it.

    Returns:
        what its commands need in their environment.

    Raises:
        NotUp: it does not come up.
    """
    _write(folder)
    environment = {"SLURM_CONF": str(folder / "slurm.conf"), HERE: str(folder)}
    configuration = ["-D", "-f", str(folder / "slurm.conf")]
    munge = [
        "--foreground",
        "--force",
        f"--key-file={folder}/munge.key",
        f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/munge.seed",
    ]
    with contextlib.ExitStack() as stack:
        stack.enter_context(_daemon(["munged", *munge], folder, environment))
        _until(lambda: (folder / "munge.socket").exists(), "munged", folder)
        stack.enter_context(_daemon(["slurmctld", *configuration], folder, environment))
        stack.enter_context(_daemon(["slurmd", *configuration], folder, environment))
        _until(lambda: _idle(environment), "the node", folder)
        stack.callback(_cancel, environment)
        yield environment


def _write(folder: Path) -> None:
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    for number in range(GPUS):
        os.mknod(folder / f"gpu{number}", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n")
    controller, node = _ports(2)
    text = CONFIGURATION.format(
        host=socket.gethostname().partition(".")[0],
        folder=folder,
        controller=controller,
        node=node,
        gpus=GPUS,
    )
    (folder / "slurm.conf").write_text(text)


def _ports(count: int) -> list[int]:
    """Ports that nobody uses."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


@contextlib.contextmanager
def _daemon(words: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A daemon in the foreground, whose words go into a file; it is ended with the block."""
    program = shutil.which(words[0], path=_WHERE)
    assert program is not None
    with (folder / f"{words[0]}.out").open("w") as said:
        running = subprocess.Popen(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield
    finally:
        running.terminate()
        try:
            running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _until(there: Callable[[], bool], what: str, folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > until:
            said = "".join(
                f"\n{path.name}:\n{path.read_text(errors='replace')[-2000:]}"
                for path in sorted(folder.glob("*.out"))
            )
            raise NotUp(f"{what} is not up after {PATIENCE:g} s{said}")
        time.sleep(0.2)


def _idle(environment: dict[str, str]) -> bool:
    return "idle" in _asked(["sinfo", "--noheader", "--format=%T"], environment)


def _cancel(environment: dict[str, str]) -> None:
    """End the jobs, and wait until their processes have ended."""
    _asked(["scancel", "--user=root"], environment)
    until = time.monotonic() + PATIENCE
    while _asked(["squeue", "--noheader"], environment).strip() and time.monotonic() < until:
        time.sleep(0.5)


def _asked(words: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    ).stdout


def main() -> int:
    """Run the tests; the exit code."""
    reason = None if _there() else _install()
    if reason is None and os.geteuid() != 0:
        reason = "its daemons are started by root; run: sudo make test-slurm"
    if reason is not None:
        print(f"No Slurm here ({reason}); the tests of Slurm were NOT run.")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and all ends
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, started(Path(folder)) as found:
        words = ["-m", "slurm", "tests/slurm", "--numprocesses=2", *sys.argv[1:]]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words], env={**os.environ, **found}, check=False
        )
    return done.returncode


def _there() -> bool:
    return all(shutil.which(name, path=_WHERE) for name in PROGRAMS)


def _install() -> str | None:
    """Install the packages; why that failed, if it did."""
    failed = debian.install(PACKAGES)
    if failed is None and not _there():
        return f"{' and '.join(PACKAGES)} bring no {', '.join(PROGRAMS)}"
    return failed


if __name__ == "__main__":
    sys.exit(main())
