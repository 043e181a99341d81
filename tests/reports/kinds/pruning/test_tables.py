"""Tables of pruning, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.cases import BASELINE
from bench.kinds.pruning.findings import KeptLayer, PruningFindings
from bench.statistics.equality import Equality
from reports.kinds.pruning.layers import rank_of_first
from reports.reading import kind
from reports.table import Table
from tests.reports.kinds.pruning import made
from tests.reports.kinds.pruning.made import case, layer, pipeline, pruned, scored, timed
from tests.reports.tables import column, tables_of

TIME, ACCURACY = "Time by stage", "Accuracy against sparsity"
EQUAL, SECONDS = "With and without the trick", "Seconds of the whole pipeline"
SALIENCY, LEFT = "Saliency by layer", "What is left of each layer"


def tables(*records: made.Record) -> list[Table]:
    return tables_of(made.run(*records), "pruning")


def titled(found: list[Table], begun: str) -> Table:
    (table,) = [table for table in found if table.title.startswith(begun)]
    return table


def noted(table: Table, words: str) -> str:
    (note,) = [note for note in table.notes if words in note]
    return note


def test_stages_stand_in_the_order_in_which_they_come() -> None:
    table = titled(tables(*reversed(made.stages())), TIME)
    assert column(table, "stage") == [
        *("attack", "masks", "factors", "closed-form", "saliency"),
        *("finetuning, 90 % pruned", "evaluation, 90 % pruned"),
    ]
    assert column(table, "inside") == ["torchattacks", *3 * ["-"], *3 * ["torchattacks"]]
    assert column(table, "original (s)")[0] == "1.000"
    assert column(table, "semi-backward (s)")[0] == "0.7143"
    assert column(table, "speedup")[:3] == ["1.40", "1.00", "1.20"]
    assert column(table, "by FLOPs")[0] == "1.42"
    assert set(column(table, "outputs")) == {"identical"}


def test_a_line_tells_what_the_whole_saliency_stage_comes_to() -> None:
    told = noted(titled(tables(*made.stages()), TIME), "The saliency of one batch")
    assert "PGD of torchattacks, 10 steps: 3.500 s, 3.241 s semi-backward" in told
    assert "speedup 1.08 (1.06 to 1.10), faster" in told
    # 1.0 + 2.0 + 0.5 + 0.01, and 1.0 / 1.4 + 2.0 + 0.5 / 1.2 + 0.01.
    assert "its stages timed by themselves add up to 3.51 s and 3.14 s" in told


def test_the_line_is_true_where_stages_are_missing() -> None:
    some = [record for record in made.stages() if record.case.attack != "saliency"]
    assert "and the whole was not timed" in noted(titled(tables(*some), TIME), "The saliency of")
    whole = noted(titled(tables(timed(case())), TIME), "The saliency of one batch")
    assert "by themselves" not in whole
    for stage in ("attack", "masks"):
        alone = titled(tables(timed(case(stage))), TIME)
        assert not any("The saliency of one batch" in note for note in alone.notes)
    failed = timed(case(), status="failed", speedup=None, verdict=None, reason="it fell over")
    table = titled(tables(failed), TIME)
    assert column(table, "verdict") == ["failed"]
    assert "it fell over" in noted(table, "fell over")


def test_libraries_inside_are_told_apart() -> None:
    stages = [*made.stages(), *made.stages(inside="reference", steps=3)]
    table = titled(tables(*stages), TIME)
    assert "reference, 3 steps" in column(table, "inside")
    assert sum("The saliency of one batch" in note for note in table.notes) == 2


def test_a_level_of_equality_stands_beside_its_speedup() -> None:
    apart = Equality(equal=True, bitwise=False, max_abs_diff=1e-6, level="rounding")
    table = titled(tables(timed(case("factors"), equality=apart)), TIME)
    assert column(table, "speedup") == ["1.20, rounding"]
    assert column(table, "outputs") == ["rounding, up to 1e-06"]


def test_networks_of_several_seeds_have_the_interval_of_their_mean() -> None:
    table = titled(tables(*pipeline()), ACCURACY)
    assert column(table, "criterion")[:5] == ["dense", "mad", "largest", "random", "magnitude"]
    assert column(table, "pruned") == ["-", *4 * ["90 %"], *4 * ["99 %"]]
    assert column(table, "networks") == 9 * ["3"]
    # 84, 85 and 86 of 100: their mean, and t(2) s / sqrt(3).
    assert column(table, "clean")[1] == "85.0 ± 2.5"
    assert column(table, "sparsity")[:2] == ["0.00", "90.00"]
    assert column(table, "fine-tuning, original")[:2] == ["-", "60.0"]
    assert "Student's t" in noted(table, "± is its 95 % interval")
    assert not any("Wilson" in note for note in table.notes)


def test_one_network_has_the_interval_of_its_images_and_says_so() -> None:
    table = titled(tables(*pipeline(seeds=1)), ACCURACY)
    assert column(table, "pgd")[0] == "60.0 (56.9 to 63.0)"
    assert "what another seed would come to is not in it" in noted(table, "Wilson")
    assert not any("Student" in note for note in table.notes)


def test_a_cell_of_fewer_networks_than_its_row_says_so() -> None:
    some = [pruned(seed=0), pruned(seed=1), pruned(seed=2, percents={"none": 80})]
    assert column(titled(tables(*some), ACCURACY), "pgd") == ["50.0 ± 0.0, 2 networks"]


def test_attacks_stand_from_none_to_the_strongest() -> None:
    table = titled(
        tables(pruned(percents={"autoattack": 10, "zap": 5, "fgsm": 40, "none": 80})), "A"
    )
    assert table.header[6:10] == ("clean", "fgsm", "autoattack", "zap")


def test_networks_that_are_called_alike_are_told_apart() -> None:
    table = titled(tables(pruned(epochs=2), pruned(epochs=60)), ACCURACY)
    assert column(table, "criterion") == ["mad, 2 epochs", "mad, 60 epochs"]
    other = case(inside="reference")
    table = titled(tables(pruned(), pruned(of=other)), ACCURACY)
    assert column(table, "network") == [
        "resnet20, inside torchattacks", "resnet20, inside reference",
    ]  # fmt: skip


def test_what_failed_is_told_and_nothing_of_it_is_counted() -> None:
    bad = pruned("random", status="failed", reason="out of luck", judged=[], layers=[])
    table = titled(tables(pruned(), bad), ACCURACY)
    assert column(table, "criterion") == ["mad"]
    assert noted(table, "out of luck").startswith("random, 90 % of resnet20, network 0")
    (alone,) = tables(bad)
    assert alone.rows == (("all", "none"),)
    assert any("failed: out of luck" in note for note in alone.notes)


def test_digests_tell_whether_the_trick_changes_anything() -> None:
    table = titled(tables(*pipeline()), EQUAL)
    assert set(column(table, "saliency")) == {"the same", "-"}
    assert "saliencies 1 of 1, masks 8 of 8, weights at the end 9 of 9" in noted(table, "The same:")
    assert noted(table, "in one variant alone").startswith("20 other lines have come to their end")


def test_what_differs_is_called_different_and_what_is_missing_not_told() -> None:
    ways = [scored(variant=BASELINE, saliency="other"), scored()]
    nets = [
        pruned(variant=BASELINE, masks="", weights="x", judged=made.judged({"pgd": 1})),
        pruned(),
    ]
    table = titled(tables(*ways, *nets), EQUAL)
    assert column(table, "saliency")[0] == "different"
    assert (column(table, "masks")[1], column(table, "weights at the end")[1]) == (
        "not told", "different",
    )  # fmt: skip
    assert column(table, "right answers")[1] == "different"
    assert "saliencies 0 of 1" in noted(table, "The same:")
    assert not any("alone" in note for note in table.notes)


def test_nothing_is_held_against_nothing() -> None:
    found = tables(scored(), pruned())
    assert not any(table.title.startswith((EQUAL, SECONDS)) for table in found)


def test_seconds_of_networks_are_summed_by_stage() -> None:
    table = titled(tables(*pipeline()), SECONDS)
    assert column(table, "stage") == [
        "attack", "masks", "factors", "closed-form", "finetuning", "evaluation",
    ]  # fmt: skip
    assert column(table, "of")[-2:] == ["8 networks", "8 networks"]
    assert column(table, "original (s)")[-2:] == ["480", "40.0"]


def test_saliency_by_layer_has_the_rank_of_the_first() -> None:
    table = titled(tables(*pipeline()), SALIENCY)
    assert column(table, "layer") == list(made.SIZES)
    assert column(table, "pruned at 90 %")[1] == "90.00"
    assert "rank 1, 1, 1 of 4 in 3 networks: the highest in 3" in noted(table, "has rank")
    assert column(titled(tables(scored()), SALIENCY), "mean")[0] == "4.00e-04"


@pytest.mark.parametrize(
    ("means", "rank"), [((3, 2, 1), 1), ((1, 2, 3), 3), ((2, 2, 1), 2), ((1,), None)]
)
def test_the_first_layer_is_highest_only_above_all_others(
    means: tuple[float, ...], rank: int | None
) -> None:
    assert rank_of_first([layer(str(mean), mean) for mean in means]) == rank


def test_a_single_layer_has_no_rank() -> None:
    table = titled(tables(scored(means=[1.0])), SALIENCY)
    assert any("a single layer" in note for note in table.notes)


def test_a_layer_with_nothing_left_is_told_in_words() -> None:
    layers = [KeptLayer("conv1", 100, 50), KeptLayer("fc", 10, 0)]
    some = [pruned(seed=0, layers=layers), pruned(seed=1)]
    table = titled(tables(some[0]), LEFT)
    assert column(table, "mad") == ["50 (50.00 %)", "nothing"]
    assert "nothing is left of fc, so that its output is 0" in noted(table, "nothing is left")
    both = titled(tables(*some), LEFT)
    assert "fc in 1 of 2 networks" in noted(both, "nothing is left")


def test_layers_left_dense_are_told_only_where_there_are_any() -> None:
    dense = {"embed": "it is neither a convolution nor linear"}
    found = PruningFindings(weights="drawn", layers=1, prunable=5, dense=dense)
    for record in (scored(dense=dense), timed(case("masks"), findings=found)):
        table = titled(tables(record), "Left dense")
        assert table.rows == (("resnet20", "embed", "it is neither a convolution nor linear"),)
    assert not any(table.title == "Left dense" for table in tables(*pipeline()))


def test_a_run_without_pruning_has_no_tables() -> None:
    assert tables() == []


def test_records_of_other_data_have_tables_of_their_own() -> None:
    other = case(data="/cifar", input_shape=(3, 32, 32), eps=0.03)
    found = tables(pruned(), replace(pruned(of=other), network_seed=5))
    assert sum(table.title.startswith(ACCURACY) for table in found) == 2


def test_a_run_ends_with_narrow_tables() -> None:
    accuracy, seconds = kind.named("pruning").ending(made.run(*pipeline()), ())
    assert accuracy.header == ("pruned", "criterion", "clean", "pgd")
    assert seconds.header == ("stage", "of", "original", "semi-backward")
