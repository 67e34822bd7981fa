"""The report on the collapse of a model: its measurements latent by latent, a verdict that names the cause, and what to change."""

import html
import math
import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .verdict import REMEDIES

__all__ = ["CollapseReport"]

WIDTH = 110
COLUMNS = {
    "kl": "KL",
    "variance": "variance of means",
    "mutual_information": "information",
    "floor": "floor",
    "gain": "gain",
    "verdict": "verdict",
}
EXPLANATIONS = {
    "healthy": "every latent depends on the data and helps to explain them",
    "model": "the likelihood hardly depends on these latents, though the data hold more than the others explain",
    "inference": "the exact posterior moves with the data and that of the encoder does not",
    "data": "the data have fewer directions than the model has latents",
    "collapsed": "posterior means do not vary over the data; the cause cannot be told from posteriors alone",
    "labels: healthy": "they tell rows apart and all are in use",
    "labels: model": "the components, or what the likelihood makes of them, hardly differ",
    "labels: inference": "the exact posterior over labels tells rows apart and that of the encoder does not",
    "labels: data": "the rows form fewer clusters than the model has labels",
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
    verdict : {"healthy", "model", "inference", "data", "collapsed"}
        The cause of collapse; "collapsed" where posteriors alone were given and the cause cannot be told.
    collapsed : bool
        Whether some latent or label does not depend on the data, be it in the model or in its encoder.
    subject : {"latents", "labels"}
        What the verdict is about.
    latents : dict of arrays of shape (n_components,)
        ``kl``, ``mutual_information``, ``floor`` and ``gain`` in nats, ``variance``, ``variation``, ``refined_variance`` and the ``verdict`` of each.
    totals : dict of float
        ``kl``, ``mutual_information`` with ``mutual_information_lower`` and ``mutual_information_upper``, ``floor``, ``active_units`` and
        ``informative_units`` as counts, ``variation``, ``posterior_kl``, ``amortization_gap``, ``unexplained``.
    labels : dict of float
        ``information`` and ``most`` in nats, ``n_used``, ``n_labels``, and what told the cause; empty without labels.
    """

    model: str
    n_rows: int
    verdict: str
    collapsed: bool
    subject: str = "latents"
    latents: dict[str, NDArray] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    labels: dict[str, float] = field(default_factory=dict)

    @property
    def explanation(self) -> str:
        """The verdict in words."""
        return EXPLANATIONS[self._key]

    @property
    def remedy(self) -> str:
        """The parameter to change; empty when healthy."""
        return REMEDIES[self._key]

    def to_dict(self) -> dict[str, Any]:
        """All of it in Python's own types, for JSON; not-a-number becomes None."""
        return _plain({**asdict(self), "explanation": self.explanation, "remedy": self.remedy})

    def to_frame(self) -> Any:
        """The latents as a `pandas.DataFrame`, one row each, and a last row with the totals."""
        import pandas

        frame = pandas.DataFrame(self.latents)
        last = {name: self.totals.get(name, np.nan) for name in frame.columns} | {"verdict": self.verdict}
        return pandas.concat([frame, pandas.DataFrame([last], index=["all"])])

    def summary(self) -> str:
        """The verdict in one line, with the numbers behind it."""
        if self.subject == "labels":
            numbers = "The labels share {information:.2g} of {most:.2f} nats with the rows, {n_used} of {n_labels} are used".format(**self.labels)
            return f"{numbers}. {'Verdict' if self.verdict == 'healthy' else 'Cause'}: {self.verdict}: {self.explanation}."
        variances = self.latents["variance"]
        active, most = int(self.totals["active_units"]), len(variances)
        text = f"{active} of {most} latents active"
        if active < most:
            text = f"{most - active} of {most} latents collapsed, variance of their posterior mean under 0.01 (least {variances.min():.1e})"
        if "informative_units" in self.totals:
            text += f", {self.totals['informative_units']:.0f} informative"
        return f"{text}. {'Verdict' if self.verdict == 'healthy' else 'Cause'}: {self.verdict}: {self.explanation}."

    def __str__(self) -> str:
        lines = [f"{self.model}, {self.n_rows} rows: {self.verdict.upper()}", self.summary(), self.remedy, *self._remarks()]
        table = ["", _aligned(self._table())] if self.latents else []
        return "\n".join([*(textwrap.fill(line, WIDTH) for line in filter(None, lines)), *table])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = self._table() if self.latents else []
        cells = ["".join(f"<td style='text-align:right'>{html.escape(cell)}</td>" for cell in row) for row in rows]
        table = "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>" if rows else ""
        lines = [f"<b>{html.escape(f'{self.model}, {self.n_rows} rows: {self.verdict}')}</b>", self.summary(), self.remedy, *self._remarks()]
        return "<br>".join(line if number == 0 else html.escape(line) for number, line in enumerate(lines) if line) + table

    @property
    def _key(self) -> str:
        return f"labels: {self.verdict}" if self.subject == "labels" else self.verdict

    def _table(self) -> list[tuple[str, ...]]:
        """The heading, one row per latent, and the totals, as text."""
        shown = [name for name in COLUMNS if name == "verdict" or not np.isnan(self.latents.get(name, np.nan)).all()]
        body = [(str(latent), *(_text(self.latents[name][latent]) for name in shown)) for latent in range(len(self.latents["variance"]))]
        return [("latent", *(COLUMNS[name] for name in shown)), *body, ("all", *(_text(self.totals.get(name, "")) for name in shown[:-1]), "")]

    def _remarks(self) -> list[str]:
        lines = []
        if "mutual_information_lower" in self.totals:
            low, high = self.totals["mutual_information_lower"], self.totals["mutual_information_upper"]
            lines.append(f"Information of x and z under q: {low:.2f} to {high:.2f} nats.")
        if "amortization_gap" in self.totals:
            exact = f"The exact posterior is {self.totals['posterior_kl']:.2f} nats from the prior or more"
            lines.append(f"{exact}; the encoder loses {max(0.0, self.totals['amortization_gap']):.2f} nats against posteriors refined row by row.")
        if self.labels and self.subject != "labels":
            lines.append("Labels: {information:.2f} of {most:.2f} nats, {n_used} of {n_labels} used.".format(**self.labels))
        return lines


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or math.isnan(value) else f"{value:.3f}"


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _plain(value: Any) -> Any:
    """Python's own types all the way down."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | list):
        return [_plain(part) for part in np.asarray(value).tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
