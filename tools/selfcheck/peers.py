"""Run one comparison with one peer, as its manual says, and print what it found as JSON.

python -m tools.selfcheck.peers PEER EFFECT SECONDS

Every peer times the first program, then the second, half of the seconds each.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS_A_RUN = 0.05
PYPERF_PROCESSES = 2
"""pyperf's twenty would spend most of the time starting torch; two share the budget."""

Times = list[float]


def torch_benchmark(effect: str, seconds: float) -> tuple[Times, Times]:
    """torch.utils.benchmark, `blocked_autorange`."""
    import torch
    from torch.utils.benchmark import Timer

    from tools.selfcheck.workload import programs

    def timed(program: Callable[[], None]) -> Times:
        timer = Timer(
            "program()", globals={"program": program}, num_threads=torch.get_num_threads()
        )
        return list(timer.blocked_autorange(min_run_time=seconds / 2).times)

    first, second = programs(effect)
    return timed(first), timed(second)


def pytest_benchmark(effect: str, seconds: float) -> tuple[Times, Times]:
    """pytest-benchmark, two tests in one file."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        words = [
            *(sys.executable, "-m", "pytest", str(HERE / "pytest_cases.py"), "-q"),
            *("-p", "no:cacheprovider", "-o", "python_files=pytest_cases.py"),
            *(f"--benchmark-max-time={seconds / 2}", "--benchmark-min-rounds=5"),
            *("--benchmark-warmup=on", "--benchmark-warmup-iterations=5"),
            *("--benchmark-disable-gc", "--benchmark-save-data", f"--benchmark-json={out}"),
        ]
        _run(words, {"SELFCHECK_EFFECT": effect})
        found = json.loads(out.read_text(encoding="utf-8"))["benchmarks"]
    by_name = {item["name"]: item["stats"]["data"] for item in found}
    return by_name["test_first"], by_name["test_second"]


def pyperf(effect: str, seconds: float) -> tuple[Times, Times]:
    """pyperf's runner, in processes of its own."""
    import pyperf as library

    values = max(3, round(seconds / 2 / PYPERF_PROCESSES / SECONDS_A_RUN))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        words = [
            *(sys.executable, str(HERE / "pyperf_cases.py"), "--quiet", "-o", str(out)),
            *("-p", str(PYPERF_PROCESSES), "-n", str(values), "-w", "2", "-l", "1"),
            "--copy-env",
        ]
        _run(words, {"SELFCHECK_EFFECT": effect})
        suite = library.BenchmarkSuite.load(str(out))
        first, second = (list(suite.get_benchmark(n).get_values()) for n in ("first", "second"))
    return first, second


def triton(effect: str, seconds: float) -> tuple[Times, Times]:
    """triton.testing.do_bench; needs CUDA."""
    from triton.testing import do_bench

    from tools.selfcheck.workload import programs

    def timed(program: Callable[[], None]) -> Times:
        found = do_bench(program, rep=int(500 * seconds), return_mode="all")
        return [milliseconds / 1e3 for milliseconds in found]

    first, second = programs(effect)
    return timed(first), timed(second)


PEERS = {
    "torch.utils.benchmark": torch_benchmark,
    "pytest-benchmark": pytest_benchmark,
    "pyperf": pyperf,
    "triton do_bench": triton,
}

STATISTICS: dict[str, Callable[[Times], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
}


def _run(words: list[str], extra: dict[str, str]) -> None:
    """Run a peer's own program.

    A pytest around this process is no business of the peer's: pytest-benchmark measures nothing
    where PYTEST_XDIST_WORKER says that workers share the machine.
    """
    path = os.pathsep.join([str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")])
    around = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        words,
        env={**around, "PYTHONPATH": path, **extra},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{words[1:4]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def main() -> None:
    """Print the statistics of both programs' times."""
    peer, effect, seconds = sys.argv[1:]
    first, second = PEERS[peer](effect, float(seconds))
    print(
        json.dumps(
            {
                "ratios": {name: of(first) / of(second) for name, of in STATISTICS.items()},
                "seconds": sum(first) + sum(second),
                "runs": len(first) + len(second),
            }
        )
    )


if __name__ == "__main__":
    main()
