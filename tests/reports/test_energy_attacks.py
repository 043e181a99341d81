"""Tables of energy attacks, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.records.reading import Run
from bench.statistics.anatomy import Anatomy, Part
from reports.kinds.energy.timing import by_passes
from reports.table import Table
from tests.reports import energy_attacks as made
from tests.reports.energy_attacks import attacked, case, course, failed, reached, timed
from tests.reports.tables import column, tables_of


def titled(found: Run, begun: str) -> Table:
    (table,) = [table for table in tables_of(found, "energy") if table.title.startswith(begun)]
    return table


def recoveries(*records: object) -> Table:
    return titled(made.run(*records), "What energy attacks recover")  # type: ignore[arg-type]


def test_a_row_for_each_network_and_method_tells_the_time_of_a_step() -> None:
    slow = timed(case("power", "dvt"), 1.2)
    table = titled(made.run(timed(case("ilfo"), 1.45), timed(), slow), "A step of energy attacks")
    assert column(table, "network") == ["skipnet_hrl", "skipnet_hrl", "dvt"]
    assert column(table, "method") == ["ilfo", "gradmdm", "power"]
    assert column(table, "original (s a step)") == ["0.2000"] * 3
    assert column(table, "semi-backward") == ["0.1379", "0.1250", "0.1667"]
    assert column(table, "speedup") == ["1.45", "1.60", "1.20"]
    assert column(table, "by FLOPs") == ["1.49", "1.66", "1.49"]
    assert column(table, "by passes") == ["1.50", "1.67", "1.50"]
    assert column(table, "share of the ceiling") == ["97 %", "96 %", "81 %"]
    assert column(table, "perturbed images") == ["identical"] * 3
    (said,) = [note for note in table.notes if "of its ceiling" in note]
    assert said.startswith("power on dvt: 81 % of its ceiling by FLOPs: nothing was observed")


def test_what_was_observed_of_a_step_says_why_it_is_under_its_ceiling() -> None:
    parts = {
        "original": Part(1.0, 0.3, 0.5, 2400, 4000),
        "semi-backward": Part(0.85, 0.3, 0.3, 2400, 2000),
    }
    seen = Anatomy(3, {"backward": 10}, 10, 6.0, 10.0, {}, [], parts)
    theory = {"speedup": 1.66, "basis": "flops", "bytes": 1.3}
    table = titled(made.run(timed(ratio=1.2, anatomy=seen, theory=theory)), "A step")
    (said,) = [note for note in table.notes if "of its ceiling" in note]
    assert "parameter gradients take 20 % and what is outside the network 20 %" in said
    assert "so 1.25 is all there is to gain" in said
    assert "read and write 1.30 times as many bytes in the original" in said
    assert column(table, "outside the network") == ["20.0 %"]


def test_passes_are_counted_for_every_loss() -> None:
    two, one = timed(case("masking")), timed(case("ilfo"))
    assert by_passes(two) == pytest.approx(5 / 3)
    assert by_passes(one) == pytest.approx(3 / 2)
    assert by_passes(replace(one, findings=None)) is None


def test_what_a_timed_batch_recovers_is_told_without_attacks_to_the_end() -> None:
    table = recoveries(timed())
    assert column(table, "ARP (%)") == ["70.0"]
    assert column(table, "MSE") == ["0.10"]
    # 10 log10(255² / 0.1)
    assert column(table, "PSNR (dB)") == ["58.1"]
    assert column(table, "right (%), clean") == ["100.0 → 50.0"]
    assert column(table, "executed (%)") == ["60.0 → 88.0"]
    assert any("the timed batch alone" in note for note in table.notes)
    assert any("weights trained on digits, seed 0" in note for note in table.notes)


def test_means_over_networks_have_their_interval_and_stand_beside_the_published() -> None:
    some = [attacked(seed=seed, reached=reached([60.0 + 2 * seed] * 4)) for seed in range(3)]
    table = recoveries(timed(), *some)
    assert column(table, "networks") == ["3"]
    assert column(table, "images") == ["12"]
    # Their standard deviation is 2, and t for 2 degrees is 4.303.
    assert column(table, "ARP (%)") == ["62.0 ± 5.0"]
    assert column(table, "published: ARP") == ["73.4"]
    assert column(table, "table") == ["I, ImageNet"]
    (note,) = [note for note in table.notes if note.startswith("Published")]
    assert "I: attacks on dynamic depth networks, ImageNet" in note
    assert note.endswith("Ours are measured on digits.")


def test_settings_have_rows_of_their_own_side_by_side() -> None:
    kept = case(keep_label=True)
    table = recoveries(attacked(case(alpha=10.0)), attacked(case("ilfo")), attacked(kept))
    assert column(table, "method") == ["gradmdm, alpha 10", "gradmdm, label kept", "ilfo"]
    assert column(table, "table") == ["VI, ImageNet", "VII, ImageNet", "I, ImageNet"]
    right = [row[table.header.index("right (%)")] for row in table.rows]
    assert right == ["-", "76.9", "-"]


def test_cases_that_differ_in_nothing_but_their_batch_are_told_apart() -> None:
    found = made.run(timed(case(batch=1)), timed(case(batch=8)))
    labels = ["gradmdm, batch 1", "gradmdm, batch 8"]
    assert column(titled(found, "What energy attacks recover"), "method") == labels


def test_numbers_of_the_paper_that_nobody_has_are_said_to_be_missing() -> None:
    (said,) = [note for note in recoveries(attacked(case("masking"))).notes if "table IV" in note]
    assert "does not hold it" in said
    assert not any("table IV" in note for note in recoveries(attacked()).notes)


def test_what_had_nothing_to_recover_is_undefined_and_no_zero() -> None:
    table = recoveries(attacked(reached=reached([None, 40.0])))
    assert column(table, "ARP (%)") == ["40.0"]
    assert (
        "gradmdm on skipnet_hrl: recovery is undefined for 1 image: every gate was on already."
        in table.notes
    )
    table = recoveries(attacked(reached=reached([None, None])))
    assert column(table, "ARP (%)") == ["undefined"]


def test_images_that_no_attack_changed_have_no_error() -> None:
    table = recoveries(attacked(reached=reached(error=0.0)))
    assert column(table, "MSE") == ["0"]
    assert column(table, "PSNR (dB)") == ["infinite"]


def test_attacks_that_failed_are_told_and_the_others_go_on() -> None:
    table = recoveries(attacked(), failed(seed=1))
    assert column(table, "networks") == ["1"]
    assert "gradmdm on skipnet_hrl, network 1: failed: it fell over." in table.notes
    (alone,) = tables_of(made.run(failed()), "energy")
    assert alone.rows == (("all", "none"),)
    assert alone.notes == ("gradmdm on skipnet_hrl, network 0: failed: it fell over.",)


def test_a_run_of_other_kinds_has_no_table_of_them() -> None:
    assert tables_of(made.run(), "energy") == []


def test_images_that_the_trick_changed_are_told() -> None:
    other = replace(attacked(reached=reached([1.0, 2.0])), variant="original")
    table = recoveries(other, attacked())
    assert column(table, "ARP (%)") == ["70.0"]
    assert any("comes to something else with the trick than without" in n for n in table.notes)


def test_recoveries_are_compared_at_ilfos_error_network_by_network() -> None:
    table = titled(made.run(*made.against_ilfo()), "Against ILFO")
    assert column(table, "method") == ["gradmdm"]
    # ILFO's own iteration with an error of 0.3 is out of bounds for both.
    assert column(table, "ILFO: ARP") == ["50.0 ± 0.0"]
    # 80, 85 and 90 at the end: t is 4.303, the standard deviation 5.
    assert column(table, "method: ARP") == ["85.0 ± 12.4"]
    assert column(table, "difference") == ["+35.0 ± 12.4"]
    assert column(table, "recovers") == ["more"]
    assert column(table, "published: ILFO's") == ["49.6"]


def test_a_larger_error_is_met_by_an_earlier_iteration() -> None:
    ilfo = attacked(case("ilfo"), reached=reached([50.0, 50.0], 0.1))
    ours = attacked(
        reached=reached([90.0, 90.0], 0.3), steps=course([0.0, 30.0, 60.0], [0.0, 0.1, 0.2])
    )
    table = titled(made.run(ilfo, ours), "Against ILFO")
    assert column(table, "method: ARP") == ["30.0"]
    assert column(table, "difference") == ["-20.0"]
    assert column(table, "recovers") == ["one network alone"]
    table = titled(made.run(ilfo, replace(ours, steps=[])), "Against ILFO")
    assert column(table, "recovers") == ["nothing at so small an error"]


def test_networks_that_disagree_are_not_told_apart() -> None:
    pairs = [
        record
        for seed, ours in enumerate((20.0, 80.0))
        for record in (
            attacked(case("ilfo"), seed, reached=reached([50.0], 0.2)),
            attacked(case(), seed, reached=reached([ours], 0.1)),
        )
    ]
    table = titled(made.run(*pairs), "Against ILFO")
    assert column(table, "recovers") == ["not told apart"]


def test_attacks_with_other_settings_are_not_held_against_ilfo() -> None:
    apart = made.run(attacked(case("ilfo")), attacked(case(alpha=1.0)))
    assert not any(table.title.startswith("Against") for table in tables_of(apart, "energy"))
    # The exponent is what ILFO has not.
    sharper = made.run(attacked(case("ilfo")), attacked(case(power=6.0)))
    assert column(titled(sharper, "Against"), "method") == ["gradmdm, power 6"]


def test_how_soon_ilfos_recovery_is_reached_and_at_what_cost() -> None:
    table = titled(made.run(*made.against_ilfo()), "How soon")
    assert column(table, "method") == ["ilfo", "gradmdm"]
    assert column(table, "iterations to it") == ["300 ± 0", "2 ± 0"]
    # A step takes 0.2 s, and with the trick 0.2 / 1.45 and 0.2 / 1.6.
    assert column(table, "original (s)") == ["60.0", "0.400"]
    assert column(table, "semi-backward (s)") == ["41.4", "0.250"]
    assert column(table, "seconds") == ["2.0", "1.1"]
    assert [row[table.header.index("iterations")] for row in table.rows] == ["300", "100"]


def test_what_never_recovers_as_much_is_not_reached() -> None:
    weak = [
        attacked(case("joint"), seed, reached=reached([10.0, 90.0 * seed]), steps=course([0], [0]))
        for seed in range(2)
    ]
    strong = [attacked(case("ilfo"), seed, reached=reached([40.0, 40.0])) for seed in range(2)]
    table = titled(made.run(*strong, *weak), "How soon")
    assert column(table, "iterations to it") == ["-", "100, reached on 1 of 2 networks"]
    table = titled(made.run(strong[0], weak[0]), "How soon")
    assert column(table, "iterations to it") == ["-", "not reached"]
    assert column(table, "original (s)") == ["-", "-"]


def test_images_that_ilfo_tackles_and_others() -> None:
    ilfo = attacked(case("ilfo", "skipnet"), reached=reached([100.0, 99.94, 0.0, None]))
    ours = attacked(case(model="skipnet"), reached=reached([99.0, 60.0, 40.0, None]))
    table = titled(made.run(ilfo, ours), "Images that ILFO recovers wholly")
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert (row["images in A"], row["method's ARP on A (%)"]) == ("1", "99.0")
    assert (row["images in B"], row["ILFO's ARP on B (%)"]) == ("2", "50.0")
    assert row["method's ARP on B (%)"] == "50.0"
    assert (row["published: method's on A"], row["ILFO's on B"]) == ("100.0", "80.9")
    assert row["method's on B"] == "99.0"


def test_perturbed_images_elsewhere_stand_beside_the_published() -> None:
    there = {
        "skipnet": reached([30.0, 20.0]),
        "spatial-smoothing": reached([None, 49.0]),
        "jpeg": reached([None, None]),
        "my.py:f": reached([1.0, 1.0]),
    }
    record = attacked(elsewhere=there, left_out={"grey": "it changes the shape"})
    table = titled(made.run(record), "Perturbed images on other networks")
    assert column(table, "seen by") == [*there, "grey"]
    assert column(table, "ARP (%)") == ["25.0", "49.0", "undefined", "1.0", "left out"]
    assert column(table, "ARP where made") == ["70.0"] * 5
    assert column(table, "published: ARP") == ["53.1", "49.0", "43.8", "-", "-"]
    assert "gradmdm on skipnet_hrl: grey: left out: it changes the shape." in table.notes
