"""
Numbers, answers and counts in one table, with gaps
===================================================

A survey of three hundred people: each column of its own kind, a fifth of the answers missing. One latent representation
explains all columns, fills the gaps, and says how sure it is of each.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.plots import CollapseDisplay

random = np.random.default_rng(0)
age, fitness = random.uniform(20, 80, 300), random.standard_normal(300)
wish = np.stack([-1.5 * fitness, 2 * fitness - (age - 50) / 10, fitness + (age - 50) / 10], axis=1)
sport = np.array(["none", "football", "swimming"])[(wish + random.gumbel(size=wish.shape)).argmax(axis=1)]
truth = pd.DataFrame(
    {
        "pressure": 85 + 0.8 * age - 4 * fitness + random.normal(0, 5, 300),
        "pulse": 72 - 8 * fitness + random.normal(0, 4, 300),
        "glasses": np.where(random.random(300) < 1 / (1 + np.exp((50 - age) / 6)), "yes", "no"),
        "sport": sport,
        "visits": random.negative_binomial(3, 3 / (3 + np.exp(0.5 + (age - 50) / 25 - 0.5 * fitness))),
        "health": np.clip(np.round(3 + fitness + random.normal(0, 0.5, 300)), 1, 5),
    }
)
survey = truth.mask(random.random(truth.shape) < 0.2)
print(survey.head().to_string())

# %%
# The family of each column follows from its type and values. `max_epochs` is small so that this page is built quickly.

settings = {"likelihood": "auto", "max_epochs": 30, "batch_size": 64, "decoder_width": 64, "encoder_width": 64}
model = LIDVAE(2, random_state=0, **settings).set_output(transform="pandas").fit(survey)
print(model.likelihood_)

# %%
# On the left the latent variables of each person; the colour is the age, which is no column of the table. In the middle
# the blood pressure of those who did not tell it: the mean that `impute` fills in, and the interval between the 5 % and
# 95 % quantiles of a hundred draws of `sample_posterior_predictive`. On the right how often filled-in answers are
# those that were hidden, beside the share of the most common answer.

filled = model.impute(survey)
missing = survey["pressure"].isna().to_numpy()
draws = np.stack([draw["pressure"].to_numpy(float) for draw in model.sample_posterior_predictive(survey, 100)])
low, high = np.quantile(draws[:, missing], [0.05, 0.95], axis=0)
expected, true = filled["pressure"].to_numpy(float)[missing], truth["pressure"].to_numpy()[missing]

figure, (latents, gaps, answers) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
points = latents.scatter(*model.transform(survey).to_numpy().T, c=age, s=12, cmap="viridis")
figure.colorbar(points, ax=latents, label="age, not in the table")
latents.set(xlabel="latent 1", ylabel="latent 2", title="300 people with gaps in their answers")

lengths = [np.maximum(expected - low, 0), np.maximum(high - expected, 0)]
gaps.errorbar(true, expected, lengths, fmt="o", ms=3, lw=0.8, color="#0072B2", ecolor="#0072B255")
gaps.axline((120, 120), slope=1, color="0.5", lw=1)
gaps.set(xlabel="hidden blood pressure", ylabel="filled in, with 90 % of the draws")
gaps.set_title(f"{np.mean((low <= true) & (true <= high)):.0%} of what was hidden is inside")

names = ["glasses", "sport"]
hidden = {name: survey[name].isna() for name in names}
found = [(filled[name] == truth[name])[hidden[name]].mean() for name in names]
common = [survey[name].value_counts(normalize=True).max() for name in names]
for shift, shares, label, colour in ((-0.2, common, "most common", "0.75"), (0.2, found, "LIDVAE", "#0072B2")):
    bars = answers.bar(np.arange(2) + shift, shares, 0.4, label=label, color=colour)
    answers.bar_label(bars, fmt="{:.2f}")
answers.set(xticks=range(2), xticklabels=names, ylim=(0, 1), ylabel="share that is right", title="Answers filled in")
answers.legend(loc="upper right")

# %%
# Two numbers made these people, so two latent variables are enough. Of four, a classical autoencoder lets the other two
# fade: their posteriors come to the prior, whoever the person is. `LIDVAE` keeps all four in use, and the colours tell
# that two of them add nothing.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, estimator in zip(axes, (VAE, LIDVAE), strict=True):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # the picture shows it
        four = estimator(4, random_state=0, **settings).fit(survey)
    CollapseDisplay.from_estimator(four, survey[:50], n_importance_samples=10).plot(ax)
