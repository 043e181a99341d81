"""Tables of attacks by Monte-Carlo gradients, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.kinds.sampling.findings import SamplingFindings
from bench.records.memory import MemoryParts
from bench.records.reading import Run
from reports.kinds.sampling import published
from reports.kinds.sampling.timing import by_passes
from reports.table import Table
from tests.reports import sampled as made
from tests.reports.sampled import agent, case, failed, judged, playing, robust, timed
from tests.reports.tables import column, tables_of

COST = "A gradient by Monte-Carlo samples"
ACCURACY = "Accuracy by λ, in percent"


def titled(found: Run, begun: str) -> Table:
    (table,) = [table for table in tables_of(found, "sampling") if table.title.startswith(begun)]
    return table


def noted(table: Table, words: str) -> str:
    (note,) = [note for note in table.notes if words in note]
    return note


def test_a_row_for_each_number_of_samples_tells_the_cost_of_a_gradient() -> None:
    some = [timed(case(samples=samples), ratio) for samples, ratio in ((100, 1.4), (1, 1.25))]
    table = titled(made.run(*some), COST)
    assert column(table, "defence") == ["SAP-100"] * 2
    assert [row[4] for row in table.rows] == ["1", "100"]
    assert column(table, "in a pass") == ["1", "10"]
    assert column(table, "original (s a gradient)") == ["0.01000", "1.000"]
    assert column(table, "semi-backward") == ["0.008000", "0.7143"]
    assert column(table, "original (s a sample)") == ["0.0100", "0.0100"]
    assert column(table, "semi-backward (s a sample)") == ["0.00800", "0.00714"]
    assert column(table, "by passes") == ["1.50"] * 2
    assert column(table, "share of the ceiling") == ["86 %", "97 %"]
    assert column(table, "perturbed images") == ["identical"] * 2
    short = noted(table, "of its ceiling by FLOPs")
    assert short.startswith("SAP-100, fgsm, N = 1 on resnet20, 4 images: 86 % of its ceiling")
    assert "explain takes a gradient apart" in short


def test_a_step_of_the_iterative_attack_is_a_gradient() -> None:
    table = titled(made.run(timed(case(attack="iterative", strength=4.0))), COST)
    assert column(table, "original (s a gradient)") == ["0.01000"]


def test_what_takes_no_gradient_has_no_seconds_a_sample() -> None:
    record = timed(case("dense", "noise"))
    assert isinstance(record.findings, SamplingFindings)
    record = replace(record, findings=replace(record.findings, passes=0))
    table = titled(made.run(record), COST)
    assert column(table, "original (s a sample)") == ["-"]
    assert column(table, "by passes") == ["-"]
    assert by_passes(replace(record, findings=None)) is None


def test_seconds_of_an_image_and_sample_stand_beside_the_papers() -> None:
    some = [timed(case(samples=samples, batch=5)) for samples in (1, 10, 100, 1000)]
    table = titled(made.run(*some, timed(case("dense"))), "Seconds of one image and sample")
    assert column(table, "original") == ["0.00200"] * 4 + ["0.00250"]
    assert column(table, "published: one gradient") == ["~20 s", "-", "~0.6 h", "~6 h", "-"]
    # 20 s for 512 images; 6 hours for 512 images and 1000 samples.
    assert column(table, "an image and sample") == ["0.0391", "-", "0.0422", "0.0422", "-"]
    assert any("another machine and size of image" in note for note in table.notes)
    alone = tables_of(made.run(timed(case("dense"))), "sampling")
    assert not any(table.title.startswith("Seconds of one image") for table in alone)


def test_memory_is_called_flat_only_where_peaks_are() -> None:
    some = [timed(case(samples=samples)) for samples in (10, 100, 1000)]
    flat = "flat in N, its peaks within 0.0 % of each other"
    told = noted(titled(made.run(*some), COST), "Memory of")
    assert told == (
        "Memory of SAP-100 on resnet20, 4 images, 10 samples in a pass, N = 10, 100, 1000"
        f" (runs looked into had at most 10 passes): original {flat}; semi-backward {flat}."
    )
    grown = replace(some[2], memory={**(some[2].memory or {}), "original": 22_000_000})
    told = noted(titled(made.run(*some[:2], grown), COST), "Memory of")
    assert "original not flat, its peaks 10 % apart (flat: 5 %): 20.0, 20.0, 22.0 MB;" in told
    assert f"semi-backward {flat}" in told


def test_gradients_of_parameters_that_grow_a_peak_are_told() -> None:
    some = [
        timed(
            case(samples=samples, chunk=1),
            memory={"original": peak, "semi-backward": 1_000_000, "unit": "bytes", "what": "peak"},
            memory_parts={
                "original": MemoryParts(0, 1_000_000, gradients, 0),
                "semi-backward": MemoryParts(0, 1_000_000, 0, 0),
            },
        )
        for samples, peak, gradients in ((1, 1_000_000, 0), (10, 2_000_000, 1_000_000))
    ]
    told = noted(titled(made.run(*some), COST), "Memory of")
    assert "1.00, 2.00 MB, of which gradients of parameters are 0.00, 1.00 MB;" in told


def test_nothing_is_said_of_memory_where_more_than_n_differs() -> None:
    some = [timed(case(samples=1)), timed(case(samples=10)), timed(case(samples=100, batch=8))]
    assert not any("Memory of" in note for note in titled(made.run(*some), COST).notes)


def test_accuracy_has_a_column_for_each_strength_and_stands_beside_the_published() -> None:
    table = titled(made.run(robust(case("dense"), (90, 60, 50, 40))), ACCURACY)
    assert [column(table, f"λ = {strength}") for strength in (0, 1, 2, 4)] == [
        ["90.0"], ["60.0"], ["50.0"], ["40.0"],
    ]  # fmt: skip
    assert column(table, "published, by λ") == ["0: 89.8, 1: 66.3, 2: 56.4"]
    assert column(table, "where") == ["4.1"]
    assert "resnet20: weights trained on digits, seed 0." in table.notes
    assert noted(table, "Published:").endswith("Ours are measured on digits.")
    assert "200 images, a percentage lies within up to 7 points" in noted(table, "Wilson")


def test_several_networks_have_a_mean_with_its_interval() -> None:
    some = [robust(case(samples=100), (82 + seed,), seed) for seed in (0, 2, 4)]
    table = titled(made.run(*some), ACCURACY)
    assert column(table, "networks") == ["3"]
    assert column(table, "images") == ["600"]
    # Their standard deviation is 2, and t for 2 degrees is 4.303.
    assert column(table, "λ = 0") == ["84.0 ± 5.0"]
    # Without a perturbation it is the same under every attack, so section 4.5 has it.
    assert column(table, "published, by λ") == ["0: 83.3"]


def test_published_numbers_are_of_as_many_samples() -> None:
    few, many = (
        robust(case("sap-100", "iterative", samples=samples), (83, 80, 80, 80))
        for samples in (1, 10)
    )
    table = titled(made.run(few, many), "The iterative attack")
    assert column(table, "published: λ = 0") == ["83.3", "83.3"]
    assert column(table, "published: λ = 4") == ["-", "76.7"]
    longer = case("sap-100", "iterative", samples=10, step=2.0)
    assert published.accuracy(longer, 4.0) is None


def test_the_iterative_attack_stands_beside_section_4_5() -> None:
    some = [
        robust(case("dense", "iterative"), (90, 66, 50, 31)),
        robust(case("sap-100", "iterative", samples=10), (83, 82, 80, 77)),
        robust(case("sap-100-fast", "iterative", gradient="dense"), (83, 75, 67, 51)),
    ]
    table = titled(made.run(*some), "The iterative attack")
    assert column(table, "defence") == ["dense", "SAP-100", "SAP-100 (independent decisions)"]
    assert column(table, "attack")[2] == "iterative, gradient of the dense network"
    assert column(table, "published: λ = 4") == ["31.0", "76.7", "50.8"]


def test_strengths_that_some_lack_leave_cells_empty() -> None:
    some = [robust(case("dense"), {0: 90, 8: 20}), robust(case(), {0: 80, 3: 50})]
    table = titled(made.run(*some), ACCURACY)
    assert [column(table, f"λ = {s}") for s in (0, 3, 8)] == [
        ["90.0", "80.0"], ["-", "50.0"], ["20.0", "-"],
    ]  # fmt: skip


def test_networks_judged_over_other_passes_are_told_apart() -> None:
    table = titled(made.run(robust(passes=10), robust(passes=20)), ACCURACY)
    assert column(table, "attack") == ["fgsm, 10 passes", "fgsm, 20 passes"]


def test_accuracy_that_falls_with_samples_is_found_with_its_interval() -> None:
    some = [robust(case(samples=n), (84, 80 - d, 75 - d)) for n, d in ((1, 0), (100, 40))]
    table = titled(made.run(*some), "Accuracy by λ against samples")
    assert column(table, "gradient") == ["own, N = 1", "own, N = 100"]
    told = noted(table, "falls from N = 1 to N = 100")
    assert "found at λ = 1, 2 (λ = 1: -40.0 (" in told
    assert told.endswith("not robustness (gradient masking: Athalye et al. 2018).")


def test_with_so_few_images_it_can_not_be_told() -> None:
    some = [robust(case(samples=n), (84, 80 - d), images=20) for n, d in ((1, 0), (100, 10))]
    told = noted(titled(made.run(*some), "Accuracy by λ against samples"), "falls from")
    assert "can't be told with so few images or networks (λ = 1: -10.0 (" in told
    assert "Athalye" not in told


def test_accuracy_that_stays_or_rises_is_not_called_falling() -> None:
    many = [robust(case(samples=n), (84, 80), images=100_000) for n in (1, 100)]
    told = noted(titled(made.run(*many), "Accuracy by λ against samples"), "falls from")
    assert "not found, it stays within 1 point" in told
    some = [robust(case(samples=n), (84, 20 + d)) for n, d in ((1, 0), (100, 60))]
    told = noted(titled(made.run(*some), "Accuracy by λ against samples"), "falls from")
    assert "not found, it is higher at λ = 1" in told


def test_the_dense_networks_gradient_is_held_against_the_own() -> None:
    some = [robust(case(samples=10), (84, 80)), robust(case(gradient="dense"), (84, 20))]
    table = titled(
        made.run(*some, robust(case("dense"), (90, 30))), "Accuracy by λ against samples"
    )
    assert column(table, "gradient") == [
        "own, N = 10", "of the dense network", "dense network itself",
    ]  # fmt: skip
    assert "found at λ = 1 (λ = 1: -60.0" in noted(table, "by the gradient of the dense network")


def test_calibration_errors_have_a_column_for_each_strength() -> None:
    table = titled(made.run(robust(error=0.125)), "Expected calibration error")
    assert column(table, "λ = 64") == ["12.5"]
    assert any("figure 4" in note and "not in the seed" in note for note in table.notes)


def test_rewards_and_their_change_against_the_dense_agent() -> None:
    some = [
        agent(playing("dense"), {0: (10.0, 12.0), 1: (0.0, 0.0), 2: (-4.0, -4.0)}),
        agent(playing(), {0: (5.0, 6.0), 1: (1.0, 3.0), 2: (4.0, 4.0)}),
    ]
    table = titled(made.run(*some), "Rewards of agents")
    assert column(table, "defence") == ["dense", "SAP-100"]
    assert column(table, "λ = 2") == ["-4.0 ± 0.0", "4.0 ± 0.0"]
    assert "ddqn: weights trained in catch, seed 0." in table.notes
    table = titled(made.run(*some), "Change of the reward")
    # Episodes earn 5 and 6 less than 10 and 12: 5.5 ± 12.706 * 0.5 of 11.
    assert column(table, "λ = 0") == ["-50.0 ± 57.8"]
    assert column(table, "λ = 1") == ["undefined"]
    # More is more, also of a negative reward.
    assert column(table, "λ = 2") == ["+200.0 ± 0.0"]
    assert column(table, "falls at λ = 0") == ["can't be told"]
    assert column(table, "published") == ["-"]
    assert "Undefined at λ = 1: the dense agent earns 0 there." in table.notes
    assert any("BattleZone" in note for note in table.notes)


def test_bowling_stands_beside_the_published_number() -> None:
    some = [
        agent(playing(defence, environment="ALE/Bowling-v5"), {0: (9.0,), 1: (reward,)}, seed)
        for seed in (0, 1)
        for defence, reward in (("dense", 2.0), ("sap-100", 8.0 + seed / 100))
    ]
    table = titled(made.run(*some), "Change of the reward")
    assert column(table, "published") == ["1: 3425.9"]
    assert column(table, "rises above") == ["found"]


def test_one_episode_has_no_interval() -> None:
    some = [agent(playing(d), {0: (reward,)}) for d, reward in (("dense", 4.0), ("sap-100", 2.0))]
    assert column(titled(made.run(*some), "Change of the reward"), "λ = 0") == ["-50.0"]


def test_what_was_not_judged_is_told_and_the_others_go_on() -> None:
    table = titled(made.run(robust(), failed(seed=1)), ACCURACY)
    assert column(table, "networks") == ["1"]
    assert "SAP-100, fgsm, N = 1 on resnet20, network 1: failed: it fell over." in table.notes
    (alone,) = tables_of(made.run(failed()), "sampling")
    assert alone.rows == (("all", "none"),)


def test_networks_that_the_trick_judges_otherwise_are_told() -> None:
    other = robust(accuracies=(10,), variant="original")
    table = titled(made.run(other, robust(accuracies=(90,))), ACCURACY)
    assert column(table, "λ = 0") == ["90.0"]
    assert any("is judged otherwise with the trick than without" in n for n in table.notes)


def test_a_single_image_is_reported_with_what_it_is_worth() -> None:
    table = titled(made.run(robust(judged=judged({0: 100}, images=1))), ACCURACY)
    assert column(table, "λ = 0") == ["100.0"]
    assert "with 1 image, a percentage lies within up to 79 points" in noted(table, "Wilson")


def test_a_run_of_other_kinds_has_no_table_of_them() -> None:
    assert tables_of(made.run(), "sampling") == []


def test_published_numbers_that_can_not_be_read_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published, "FILE", published.FILE.with_name("nothing.json"))
    table = titled(made.run(robust(case("dense"))), ACCURACY)
    assert column(table, "published, by λ") == ["-"]
    assert "can't be read" in noted(table, "Published numbers are left out")
