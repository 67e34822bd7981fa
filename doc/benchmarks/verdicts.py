"""Whether `collapse_report` names the right cause: a hundred models and rows with known truth, three times over.

    python doc/benchmarks/verdicts.py            full run: about 3 minutes on one thread; goes on where it stopped
    python doc/benchmarks/verdicts.py --quick    a case of each kind, under 10 seconds
    python doc/benchmarks/verdicts.py --table    the table of the saved results, in Markdown

The cases are those of verdict_cases.py. "Right" is the verdict that is true; a verdict is confident where it is not
"undecided", and wrong where it is confident and not the true one.
"""

import time
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance
from verdict_cases import CASES, Case

from sklid.metrics import CollapseReport, collapse_report

COLUMNS = ["number", "case", "about", "family", "n_rows", "n_features", "near", "seed", "truth", "verdict", "direction",
           "shape", "hidden", "evidence", "seconds", "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "verdicts.csv", COLUMNS)
SEEDS = (0, 1, 2)
QUICK = ("ring", "product of signs", "decoder cut", "no direction", "encoder cut", "rows repeated ten times",
         "exact model", "true clusters", "too many clusters", "close clusters", "blind labels")  # fmt: skip
LEAST_RIGHT, MOST_WRONG = 0.9, 0.05


def examined(number: int, case: Case, seed: int) -> tuple[CollapseReport, float]:
    """The report on a case, and the seconds it took."""
    with torch.random.fork_rng():
        torch.manual_seed(1000 * seed + number)
        model, rows = case.build(np.random.default_rng([seed, number]))
    start = time.perf_counter()
    report = collapse_report(model, rows)
    return report, time.perf_counter() - start


def row_of(number: int, case: Case, seed: int) -> dict:
    report, seconds = examined(number, case, seed)
    *described, _ = case
    names = ["case", "about", "family", "n_rows", "n_features", "near", "truth"]
    measured = {"direction": report.totals.unexplained, "shape": report.totals.unexplained_shape,
                "hidden": report.totals.hidden,
                "evidence": np.nan if report.labels is None else report.labels.cluster_evidence}  # fmt: skip
    return {"number": number, **dict(zip(names, described, strict=True)), "seed": seed, "verdict": report.verdict,
            **measured, "seconds": seconds, **provenance()}  # fmt: skip


def run_full() -> None:
    torch.set_num_threads(1)
    print(f"about {0.5 * len(CASES) * len(SEEDS) / 60:.0f} minutes")
    for seed in SEEDS:
        done = {int(row["number"]) for row in CELLS.read(seed=seed)}
        for number, case in enumerate(CASES):
            if number not in done:
                CELLS.add(row_of(number, case, seed))
        print(f"seed {seed}: {sum(map(is_right, CELLS.read(seed=seed)))} of {len(CASES)} right")
    print(table())
    rows = CELLS.read()
    right, wrong = (sum(map(what, rows)) / len(rows) for what in (is_right, is_wrong))
    if right < LEAST_RIGHT or wrong > MOST_WRONG:
        raise SystemExit(f"{right:.0%} of the verdicts are right and {wrong:.0%} wrong; see above.")


def run_quick() -> None:
    """The first case of each kind: ring, triangle, clusters and cuts get their cause."""
    torch.set_num_threads(1)
    for name in QUICK:
        number, case = next((number, case) for number, case in enumerate(CASES) if case.name == name)
        verdict = examined(number, case, 0)[0].verdict
        print(f"{name}: {verdict}")
        if verdict != case.truth:
            raise SystemExit(f"The verdict on {name!r} should be {case.truth!r}; see above.")


def is_right(row: dict) -> bool:
    return row["verdict"] == row["truth"]


def is_wrong(row: dict) -> bool:
    return row["verdict"] not in {row["truth"], "undecided"}


def table() -> str:
    """By truth, and far from the threshold or near it: right, undecided and wrong verdicts of all."""
    lines = ["| about | truth | cases | right, far from the threshold | right, near it | undecided | wrong |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    kinds = dict.fromkeys((case.about, case.truth) for case in CASES)
    groups = [(*kind, CELLS.read(about=kind[0], truth=kind[1])) for kind in kinds]
    for about, truth, rows in [*groups, ("all", "", CELLS.read())]:
        far, near = ([is_right(row) for row in rows if (row["near"] == "True") == wanted] for wanted in (False, True))
        shares = " | ".join(f"{sum(part)} of {len(part)}" for part in (far, near))
        wrong = sum(map(is_wrong, rows))
        undecided = len(rows) - sum(map(is_right, rows)) - wrong
        lines.append(f"| {about} | {truth} | {len(rows)} | {shares} | {undecided} | {wrong} |")
    return "\n".join(lines)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "a case of each kind, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
