"""Tables and their sentences, from records made up for the purpose."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.records.memory import MaxBatch
from bench.records.types import ComparisonRecord
from bench.statistics import components, doubts
from bench.statistics.diagnosis import Bound, Diagnosis
from bench.statistics.equality import Equality
from bench.statistics.estimate import OVER_PROCESSES, Speedup, Verdict
from bench.statistics.stopping import StopReason
from reports.formats import markdown
from reports.reading import promises
from reports.reading.why import why
from tests.cases import changed
from tests.records import ENVIRONMENT, FAILED, GAIN, NO_GAIN, run
from tests.reports.tables import rows_of, tables_of

MEANS = ("geometric mean", "arithmetic mean")


def test_a_column_a_library_as_in_the_paper() -> None:
    (table,) = tables_of(run(NO_GAIN, GAIN, FAILED))
    assert table.header == ("library", "torchattacks", "foolbox", "art", *MEANS)
    found = rows_of(table)
    none = ("-", "-")
    assert found["original (s)"] == ("1.500", "1.500", "-", *none)
    assert found["semi-backward (s)"] == ("1.000", "1.000", "-", *none)
    assert found["speedup"] == ("1.001", "1.500", "-", "1.225", "1.250")
    within = ("0.996 to 1.004", "1.500 to 1.500", "-", "1.222 to 1.228")
    assert found["interval within this process"][:4] == within
    assert "95 % interval" not in found
    assert found["verdict"] == ("same, in this process", "faster", "failed", *none)
    assert found["adversarial examples"] == ("identical", "identical", "-", *none)
    assert found["gradient call"] == ("autograd.grad", "backward", "-", *none)
    assert found["parameter gradients"] == ("0 → 0", "62 → 0", "-", *none)
    assert found["peak memory (MB)"][1] == "0.00 → 0.00"


def test_decimals_follow_the_interval() -> None:
    wide = replace(GAIN, speedup=Speedup(1.512, 1.41, 1.62, 0.95, 1, 12, ""))
    assert rows_of(tables_of(run(wide))[0])["speedup"] == ("1.51",)


def test_other_axes_make_tables_of_their_own() -> None:
    def at(batch: int, library: str = "foolbox") -> ComparisonRecord:
        return replace(GAIN, case=changed(GAIN.case, batch=batch, library=library))

    assert tables_of(run(at(4)))[0].header == ("library", "foolbox")
    one_library = tables_of(run(at(4), at(8), at(16)))
    assert [table.header for table in one_library] == [("batch", "4", "8", "16", *MEANS)]
    several = tables_of(run(at(4), at(4, "art"), at(8), at(8, "art")))
    assert [table.header for table in several] == [("library", "foolbox", "art", *MEANS)] * 2
    assert [f"{batch} images" in t.title for batch, t in zip((4, 8), several, strict=True)]
    many = tables_of(run(*(at(2**i) for i in range(10))))
    assert [len(table.header) - 1 for table in many] == [8, 2 + len(MEANS)]


def test_weights_and_images_of_the_users_own_are_named_and_kept_apart() -> None:
    own = replace(GAIN, case=changed(GAIN.case, weights="mine.pt", images="photos"))
    usual, other = tables_of(run(GAIN, own))
    assert "weights" not in usual.title
    assert "images of 3×32×32 from photos, 5 steps, float32, weights mine.pt, cpu" in other.title


def test_why_it_gains_nothing() -> None:
    said = why(NO_GAIN, ENVIRONMENT)
    assert said is not None
    for part in ("gains nothing", "torch.autograd.grad", "torch 2.13.0 computes 0 of 62"):
        assert part in said
    assert why(GAIN, ENVIRONMENT) is None
    assert why(FAILED, ENVIRONMENT) == "failed: it fell <over>"


@pytest.mark.parametrize(
    ("verdict", "said"),
    [("slower", "loses"), ("inconclusive", "nothing to gain"), ("faster", "distrust")],
)
def test_nothing_to_save_is_said_whatever_the_verdict(verdict: Verdict, said: str) -> None:
    found = why(replace(NO_GAIN, verdict=verdict), ENVIRONMENT)
    assert found is not None
    assert said in found
    assert "torch.autograd.grad" in found


FREE = replace(
    NO_GAIN,
    gradients={"call": "none", "parameters": 62, "original": 0, "semi-backward": 0},
)


def test_a_gradient_free_attack_can_spare_the_graph_of_its_queries() -> None:
    said = why(FREE, ENVIRONMENT)
    assert said is not None
    assert said.startswith("same, in this process: it asks for no gradient")
    assert "the graph that its queries record; its variant is forward-only" in said
    assert FREE.memory_parts is not None
    none = {name: replace(part, saved=0) for name, part in FREE.memory_parts.items()}
    assert "record no graph" in str(why(replace(FREE, memory_parts=none), ENVIRONMENT))
    assert "nobody looked" in str(why(replace(FREE, memory_parts=None), ENVIRONMENT))


def test_forward_only_needs_no_excuse_for_a_gain() -> None:
    inferred = replace(FREE, variant="forward-only")
    assert why(replace(inferred, verdict="faster"), ENVIRONMENT) is None
    assert "its variant" not in str(why(inferred, ENVIRONMENT))


def test_an_inconclusive_case_says_what_to_do() -> None:
    wide = replace(GAIN, verdict="inconclusive")
    assert "too wide to tell; measure longer (--max-seconds)" in str(why(wide, ENVIRONMENT))
    few = replace(wide, speedup=Speedup(1.5, None, None, 0.95, 1, 2, ""))
    assert "too few blocks to tell" in str(why(few, ENVIRONMENT))


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ("launch-bound", "it is launch-bound, the GPU waits for the host; try a larger batch"),
        ("synchronisation-bound", "the host waits for the GPU in every step"),
    ],
)
def test_a_gpu_that_waits_for_the_host_is_named(bound: Bound, said: str) -> None:
    held_up = replace(GAIN, verdict="same", diagnosis=Diagnosis(bound=bound))
    assert said in str(why(held_up, ENVIRONMENT))
    assert rows_of(tables_of(run(held_up))[0])["limited by"] == (bound,)
    free = replace(held_up, diagnosis=Diagnosis(bound="compute-bound"))
    assert "too small to show" in str(why(free, ENVIRONMENT))
    assert "try a larger batch" not in str(why(free, ENVIRONMENT))


def test_rows_without_anything_to_tell_are_left_out() -> None:
    found = rows_of(tables_of(run(GAIN))[0])
    assert found["- .grad buffers"] == ("0.00 → 0.00",)
    assert "limited by" not in found
    assert "largest batch" not in found
    assert "smallest effect told apart" not in found
    assert "- .grad buffers" not in rows_of(tables_of(run(replace(GAIN, memory_parts=None)))[0])


def test_the_largest_batch() -> None:
    searched = MaxBatch(
        {"original": 37, "semi-backward": 65536}, {"original": 38, "semi-backward": None}
    )
    found = rows_of(tables_of(run(replace(GAIN, max_batch=searched)))[0])
    assert found["largest batch"] == ("37 → 65536 or more",)


def test_the_original_against_itself_tells_the_smallest_effect() -> None:
    itself = replace(
        GAIN,
        variant="a-a",
        verdict="same",
        speedup=Speedup(1.001, 0.99, 1.005, 0.95, 1, 30, ""),
        seconds={**GAIN.seconds, "a-a": GAIN.seconds["original"]},
        gradients=None,
        memory=None,
        memory_parts=None,
    )
    table = tables_of(run(itself, GAIN))[0]
    assert table.title.endswith("original again against original")
    assert rows_of(table)["smallest effect told apart"] == ("1.0 %",)
    hopeless = replace(itself, speedup=Speedup(1.0, 0.001, 1000.0, 0.95, 2, 3, ""))
    assert rows_of(tables_of(run(hopeless))[0])["smallest effect told apart"] == ("over 100 %",)
    assert why(itself, ENVIRONMENT) is None
    assert "can't be trusted" in str(why(replace(itself, verdict="faster"), ENVIRONMENT))


def test_what_is_true_of_several_columns_is_said_once() -> None:
    other = replace(GAIN, case=changed(GAIN.case, library="art"))
    (table,) = tables_of(run(GAIN, other))
    assert "foolbox, art: beware." in table.notes


@pytest.mark.parametrize(
    ("counted", "measured", "stopped", "said"),
    [
        (1, 1, "precise", ", at 95 %; a fresh process may lie outside: --processes 5."),
        (3, 3, "processes", "; wide, with only 3 processes: --processes 5."),
        (3, 3, "budget", "; wide, with only 3 processes within --max-seconds: give it more."),
        (3, 5, "budget", "; wide, with only 3 processes that had a calm block: ask for"),
        (5, 5, "budget", "."),
        (5, 7, "budget", "."),
    ],
)
def test_the_notes_say_what_the_intervals_stand_for(
    counted: int, measured: int, stopped: StopReason, said: str
) -> None:
    record = replace(
        GAIN,
        speedup=Speedup(1.5, 1.4, 1.6, 0.95, counted, 100, "as made"),
        processes=list(range(measured)),
        stop_reason=stopped,
    )
    told = [note for note in tables_of(run(record))[0].notes if note.startswith("Intervals")]
    assert len(told) == 1
    assert told[0].startswith(f"Intervals: as made{said}")


@pytest.mark.parametrize("processes", [1, 3])
def test_what_a_warning_says_of_few_processes_is_not_said_twice(processes: int) -> None:
    record = replace(
        GAIN,
        speedup=Speedup(1.5, 1.4, 1.6, 0.95, processes, 100, "as made"),
        processes=list(range(processes)),
        warnings=[f"too few; {doubts.TELLS_MORE}"],
    )
    notes = tables_of(run(record))[0].notes
    assert sum("--processes 5" in note for note in notes) == 1
    assert any(note.startswith("Intervals: as made") for note in notes)


def test_intervals_that_stand_for_different_things_are_told_by_name() -> None:
    def measured(library: str, processes: int) -> ComparisonRecord:
        speedup = Speedup(1.4, 1.3, 1.5, 0.95, processes, 100, "as made")
        case = changed(GAIN.case, library=library)
        return replace(GAIN, case=case, speedup=speedup, processes=list(range(processes)))

    columns = [measured(name, n) for name, n in (("art", 3), ("foolbox", 5), ("cleverhans", 6))]
    (table,) = tables_of(run(*columns))
    assert [note for note in table.notes if note.startswith("Intervals")] == [
        "Intervals of art: as made; wide, with only 3 processes: --processes 5.",
        "Intervals of the others: as made.",
    ]


def test_intervals_of_one_process_and_of_several_have_rows_of_their_own() -> None:
    several = replace(
        GAIN,
        case=changed(GAIN.case, library="torchattacks"),
        speedup=Speedup(1.4, 1.3, 1.5, 0.95, 5, 100, OVER_PROCESSES),
    )
    (table,) = tables_of(run(GAIN, several))
    found = rows_of(table)
    assert found["interval within this process"][:2] == ("1.500 to 1.500", "-")
    assert found["95 % interval"][:3] == ("-", "1.30 to 1.50", "-")
    assert found["interval within this process"][2] != "-", "a mean is as good as its weakest"
    assert f"Intervals of torchattacks: {OVER_PROCESSES}." in table.notes
    assert any("single process, at 95 %; a fresh process may" in note for note in table.notes)
    only = rows_of(tables_of(run(several))[0])
    assert "interval within this process" not in only
    assert only["95 % interval"] == ("1.30 to 1.50",)


def test_the_mean_of_next_runs_intervals_is_one() -> None:
    def measured(library: str, method: str) -> ComparisonRecord:
        speedup = Speedup(1.4, 1.3, 1.5, 0.95, 5, 100, method)
        return replace(GAIN, case=changed(GAIN.case, library=library), speedup=speedup)

    new, old = measured("art", OVER_PROCESSES), measured("foolbox", "t interval over processes")
    both = run(new, replace(new, case=changed(new.case, library="foolbox")))
    for measured_, of_next in ((both, True), (run(new, old), False)):
        said = "\n".join(tables_of(measured_)[0].notes)
        assert ("so that the next run's mean lies in it" in said) == of_next


@pytest.mark.parametrize(
    ("low", "high", "processes", "verdict", "told"),
    [
        (1.49, 1.51, 1, "faster", "faster"),
        (1.03, 1.05, 1, "faster", "faster, in this process"),
        (1.03, 1.05, 5, "faster", "faster"),
        (0.96, 0.97, 1, "slower", "slower, in this process"),
        (0.80, 0.82, 1, "slower", "slower"),
        (0.999, 1.001, 1, "same", "same, in this process"),
        (0.999, 1.001, 5, "same", "same"),
        (0.95, 1.05, 1, "inconclusive", "inconclusive"),
    ],
)
def test_a_verdict_of_one_process_promises_no_more_than_it_can(
    low: float, high: float, processes: int, verdict: Verdict, told: str
) -> None:
    speedup = Speedup((low + high) / 2, low, high, 0.95, processes, 100, "")
    record = replace(GAIN, speedup=speedup, verdict=verdict)
    (table,) = tables_of(run(record))
    assert rows_of(table)["verdict"] == (told,)
    explained = any('verdict "in this process" may be another' in note for note in table.notes)
    assert explained == told.endswith("in this process")


def test_an_interval_is_widened_by_what_processes_differ_by() -> None:
    found = Speedup(1.0, math.exp(-0.03), math.exp(0.04), 0.95, 1, 100, "")
    wide = promises.widened(found)
    assert wide.low is not None
    assert wide.high is not None
    more = 1.96 * components.unseen(1)
    assert -math.log(wide.low) == pytest.approx(math.hypot(0.03, more), rel=1e-3)
    assert math.log(wide.high) == pytest.approx(math.hypot(0.04, more), rel=1e-3)
    assert promises.widened(replace(found, processes=2)) == replace(found, processes=2)
    assert promises.widened(replace(found, low=None, high=None)).low is None


@pytest.mark.parametrize(
    ("equality", "said"),
    [
        (Equality(True, True, 0.0), "identical"),
        (Equality(True, False, 2e-7), "rounding, up to 2e-07"),
        (Equality(True, False, None), "rounding"),
        (Equality(False, False, 0.031), "differ by 0.031"),
        (Equality(False, False, None), "differ"),
    ],
)
def test_how_equal_the_examples_are(equality: Equality, said: str) -> None:
    found = rows_of(tables_of(run(replace(GAIN, equality=equality)))[0])
    assert found["adversarial examples"] == (said,)


def test_markdown_keeps_records_from_being_markup() -> None:
    text = markdown.report([run(replace(FAILED, reason="a | b <script> `x`\n# no"))])
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "\n# no" not in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a_b", "a_b"), ("_a_ *b*", "\\_a\\_ \\*b\\*"), ("x|y\\", "x\\|y\\\\")],
)
def test_only_what_would_be_markup_is_escaped(text: str, escaped: str) -> None:
    assert escaped in markdown.report([run(replace(FAILED, reason=text))])


def test_markdown_lines_up_and_says_where_it_was_measured() -> None:
    text = markdown.report([run(NO_GAIN, GAIN)])
    grid = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in grid}) == 1
    assert "torch 2.13.0, Python 3.11.7, a processor, 2 cores" in text
    assert "python -m bench" in text


def test_variables_that_change_the_speed_stand_before_the_command() -> None:
    environment = replace(ENVIRONMENT, variables={"OMP_NUM_THREADS": "1"})
    text = markdown.report([replace(run(GAIN), environment=environment)])
    assert "OMP_NUM_THREADS=1 python -m bench" in text


def test_an_empty_run_and_a_cut_one_are_told() -> None:
    assert "No case has been measured" in markdown.report([run()])
    assert "half-written" in markdown.report([replace(run(GAIN), cut=True)])
