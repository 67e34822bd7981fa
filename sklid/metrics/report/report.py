"""The report on the collapse of a model: measurements latent by latent, a verdict that names the cause, a remedy."""

import html
import math
import textwrap
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from .measurements import LabelMeasurements, LatentMeasurements, TotalMeasurements

__all__ = ["CollapseReport"]

WIDTH = 110
COLUMNS = {
    "kl": "KL",
    "variance": "variance of means",
    "mutual_information": "information",
    "floor": "floor under the model",
    "gain": "gain",
    "verdict": "verdict",
}
EXPLANATIONS = {
    "healthy": "every latent depends on the data and helps to explain them",
    "model": "the likelihood makes no use of these latents, though the data hold more than the others explain",
    "inference": "the exact posterior moves with the data and that of the encoder does not",
    "data": "the data have fewer directions than the model has latents",
    "undecided": "so many rows do not tell whether these latents could be of use",
    "collapsed": "posterior means do not vary over the data; the cause cannot be told from posteriors alone",
    "labels: healthy": "they tell rows apart and all are in use",
    "labels: model": "the clusters, or what the likelihood makes of them, hardly differ",
    "labels: inference": "the exact posterior over labels tells rows apart and that of the encoder does not",
    "labels: data": "the rows form fewer clusters than the model has labels",
    "labels: undecided": "so many rows do not tell whether they form as many clusters as the model has labels",
    "labels: collapsed": "the labels say next to nothing about the rows, or some are never the most probable",
}


@dataclass(frozen=True, repr=False)
class CollapseReport:
    """What `collapse_report` found. Printed it is a table, in a notebook HTML.

    Attributes
    ----------
    model : str
        Name of what was measured.
    n_rows : int
    verdict : {"healthy", "model", "inference", "data", "undecided", "collapsed"}
        The cause of collapse; "undecided" where the rows are too few to tell it, "collapsed" where posteriors alone
        were given.
    collapsed : bool
        Whether some latent or label does not depend on the data, be it in the model or in its encoder.
    subject : {"latents", "labels"}
        What the verdict is about.
    latents : LatentMeasurements or None
        Arrays with an entry for each latent: `kl`, `variance`, `mutual_information`, `floor`, `gain`, `variation`,
        `refined_variance` and `verdict`; None of labels alone.
    totals : TotalMeasurements
        Of all latents together: `kl`, `mutual_information` and its bracket, `floor`, the counts `active_units` and
        `informative_units`, `variation`, `posterior_kl`, `amortization_gap`, and what the residuals hold; nan where
        one is not known.
    labels : LabelMeasurements or None
        `information` and `most` in nats, `n_used`, `n_labels`, and what told the cause; None without labels.
    remedy : str
        What to change, in parameters that the model has, or what would decide; empty when healthy.
    """

    model: str
    n_rows: int
    verdict: str
    collapsed: bool
    subject: str = "latents"
    latents: LatentMeasurements | None = None
    totals: TotalMeasurements = field(default_factory=TotalMeasurements)
    labels: LabelMeasurements | None = None
    remedy: str = ""

    @property
    def explanation(self) -> str:
        """The verdict in words."""
        return EXPLANATIONS[f"labels: {self.verdict}" if self.subject == "labels" else self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """All of it in Python's own types, for JSON; not-a-number becomes None."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        return _plain({**parts, "explanation": self.explanation})

    def to_frame(self) -> Any:
        """The latents as a `pandas.DataFrame`, one row each, and a last row with the totals."""
        import pandas

        totals = {name: getattr(self.totals, name, np.nan) for name in LatentMeasurements._fields}
        last = pandas.DataFrame([{**totals, "verdict": self.verdict}], index=["all"])
        return last if self.latents is None else pandas.concat([pandas.DataFrame(self.latents._asdict()), last])

    def summary(self) -> str:
        """The verdict in one line, with the numbers behind it."""
        numbers = self._numbers_of_labels() if self.subject == "labels" else self._numbers_of_latents()
        kind = "Verdict" if self.verdict in {"healthy", "undecided"} else "Cause"
        return f"{numbers}. {kind}: {self.verdict}: {self.explanation}."

    def __str__(self) -> str:
        lines = [
            f"{self.model}, {self.n_rows} rows: {self.verdict.upper()}",
            self.summary(),
            self.remedy,
            *self._remarks(),
        ]
        table = ["", _aligned(self._table())] if self.latents is not None else []
        return "\n".join([*(textwrap.fill(line, WIDTH) for line in filter(None, lines)), *table])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        body = self._table() if self.latents is not None else []
        cells = ["".join(f"<td style='text-align:right'>{html.escape(cell)}</td>" for cell in line) for line in body]
        table = "<table>" + "".join(f"<tr>{line}</tr>" for line in cells) + "</table>" if body else ""
        lines = [
            f"<b>{html.escape(f'{self.model}, {self.n_rows} rows: {self.verdict}')}</b>",
            self.summary(),
            self.remedy,
            *self._remarks(),
        ]
        title, *others = filter(None, lines)
        return "<br>".join([title, *map(html.escape, others)]) + table

    def _table(self) -> list[tuple[str, ...]]:
        """The heading, one line per latent, and the totals, as text; what is known of no latent is left out."""
        by_latent = self.latents._asdict()
        shown = [name for name in COLUMNS if name == "verdict" or not np.isnan(by_latent[name]).all()]
        cells = [[_text(value) for value in by_latent[name]] for name in shown]
        body = [(str(latent), *line) for latent, line in enumerate(zip(*cells, strict=True))]
        totals = [_text(getattr(self.totals, name, "")) for name in shown]
        return [("latent", *(COLUMNS[name] for name in shown)), *body, ("all", *totals)]

    def _remarks(self) -> list[str]:
        totals, lines = self.totals, []
        if not math.isnan(totals.mutual_information):
            low, high = totals.mutual_information_lower, totals.mutual_information_upper
            lines.append(f"Information of x and z under q: {low:.2f} to {high:.2f} nats.")
        if not math.isnan(totals.variation):
            exact = f"The exact posterior is {totals.posterior_kl:.2f} nats from the prior or more"
            lost = f"{max(0.0, totals.amortization_gap):.2f} nats"
            lines.append(f"{exact}; the encoder loses {lost} against posteriors refined row by row.")
        if totals.floor > totals.mutual_information:
            lines.append(
                f"The floor of {totals.floor:.2f} nats is one under the model: rows that it draws share as much with "
                "their latents, and these rows need not."
            )
        if totals.hidden > 0:
            lines.append(
                f"Residuals of {totals.n_residuals:.0f} rows that differ: their leading direction is "
                f"{totals.unexplained:.2f} times what it must exceed, and one of {totals.hidden:.2f} nats would show."
            )
        if self.labels is not None and self.subject != "labels":
            words = "Labels: {information:.2f} of {most:.2f} nats, {n_used} of {n_labels} used."
            lines.append(words.format(**self.labels._asdict()))
        return lines

    def _numbers_of_labels(self) -> str:
        words = "The labels share {information:.2g} of {most:.2f} nats with the rows, {n_used} of {n_labels} are used"
        return words.format(**self.labels._asdict())

    def _numbers_of_latents(self) -> str:
        variances, active = self.latents.variance, int(self.totals.active_units)
        most = len(variances)
        text = f"{active} of {most} latents active"
        if active < most:
            least = f"{variances.min():.1e}"
            numbers = f"{most - active} of {most} latents collapsed"
            text = f"{numbers}, variance of their posterior mean under 0.01 (least {least})"
        informative = self.totals.informative_units
        return text if math.isnan(informative) else f"{text}, {informative:.0f} informative"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or math.isnan(value) else f"{value:z.3f}"


def _aligned(lines: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ([cell.rjust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def _plain(value: Any) -> Any:
    """Python's own types all the way down."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | list):
        return [_plain(part) for part in np.asarray(value).tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
