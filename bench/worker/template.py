"""A process that imports what workers need, runs nothing, and forks them, which takes milliseconds.

Started by its `main`, it answers requests on a socket, one JSON object a packet, file descriptors
beside it:

    {"do": "fork"}, stdin, stdout, stderr     a worker, `bench.worker.serve`, with these
    {"do": "branch"}, socket                  another template, with what this one has imported
    {"do": "import", "module": …}             a module, and what its `preload` imports
    {"do": "load", "library": …}              an attack library, by its adapter
    {"do": "safe"}                            why a fork of it is no fresh process, None if it is
    {"do": "poll", "pid": …}                  the exit code of what it forked, None while that lives

It has run no kernel and has no thread, so a forked worker finds every allocator and every random
state as a fresh one does, and every pool of threads is made when it is first used. OpenBLAS, which
makes its own on import if it may have several, ends it before a fork and makes it anew after.
When its socket closes, it ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from bench.worker import cores
from bench.worker.protocol import MOST_BYTES

MOST_FILES = 3
MOST_LETTERS = 1000
"""Of a reason, so that an answer fits into a packet."""
TASKS = Path("/proc/self/task")
MADE_ANEW = ("jemalloc_bg_thd",)
"""Threads that what they belong to makes anew in a fork: jemalloc, as pyarrow has one, has handlers
for that."""


class Template:
    """What has been imported so far, ready to be forked.

    Args:
        channel: where requests come from.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def serve(self) -> None:
        """Answer requests until the channel closes; a fork comes back from here as what it is."""
        while True:
            text, files, _, _ = socket.recv_fds(self._channel, MOST_BYTES, MOST_FILES)
            if not text:
                os._exit(0)
            request = json.loads(text)
            try:
                answer = {"ok": True, **getattr(self, f"do_{request.pop('do')}")(*files, **request)}
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                answer = {"ok": False, "reason": reason[:MOST_LETTERS]}
            for file in files:
                os.close(file)
            self._channel.send(json.dumps(answer).encode())

    def do_import(self, module: str) -> dict[str, Any]:
        preload = getattr(importlib.import_module(module), "preload", None)
        if preload is not None:
            preload()
        return {}

    def do_load(self, library: str) -> dict[str, Any]:
        from adapters import registry

        registry.get(library).load()
        return {}

    def do_safe(self) -> dict[str, Any]:
        reason = unsafe()
        # A collection in a fork would write to all that it shares with this process: copies of it.
        gc.collect()
        gc.freeze()
        return {"unsafe": reason}

    def do_fork(self, stdin: int, stdout: int, stderr: int) -> dict[str, Any]:
        pid = os.fork()
        if not pid:
            self._become_worker((stdin, stdout, stderr))
        return {"pid": pid}

    def do_branch(self, channel: int) -> dict[str, Any]:
        pid = os.fork()
        if not pid:
            self._channel.close()
            self._channel = socket.socket(fileno=os.dup(channel))
            os.close(channel)
            self.serve()
        return {"pid": pid}

    def do_poll(self, pid: int) -> dict[str, Any]:
        done, status = os.waitpid(pid, os.WNOHANG)
        return {"code": os.waitstatus_to_exitcode(status) if done else None}

    def _become_worker(self, files: tuple[int, int, int]) -> NoReturn:
        """In the fork: a session of its own, as a process that was started has."""
        try:
            os.setsid()
            gc.enable()
            for place, file in enumerate(files):
                os.dup2(file, place)
                os.close(file)
            self._channel.close()
            from bench.worker import serve

            serve.main()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)  # a worker that ends as it should has ended itself


def unsafe() -> str | None:
    """Why a fork of this process is not as good as a process of its own; None if it is."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "what it imports starts CUDA"
    # Threads of pools that know of forks, as OpenBLAS's, end before one and are made anew after.
    fork = os.fork()
    if not fork:
        os._exit(0)
    os.waitpid(fork, 0)
    pid = os.getpid()
    threads = [
        (task / "comm").read_text().strip() for task in TASKS.iterdir() if int(task.name) != pid
    ]
    left = [name for name in threads if name not in MADE_ANEW]
    return f"what it imports starts threads ({', '.join(left)})" if left else None


def main(descriptor: str) -> None:
    """Serve on the socket that has this file descriptor."""
    cores.hold()
    gc.disable()  # imports make much and leave little behind
    template = Template(socket.socket(fileno=int(descriptor)))
    template.do_import("bench.worker.checks")  # and with it torch, which every worker needs
    template.serve()
