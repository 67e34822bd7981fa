"""Tables whose units are known: columns of mixed units, and columns of one unit.

Those that are simulated have the ranges that such measurements have. Files are read from the folder that the
environment variable SKLID_DATA names.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_sample_image,
    load_wine,
)
from sklearn.feature_extraction.image import extract_patches_2d

__all__ = ["HIDDEN_UNIT", "MIXED_UNITS", "ONE_UNIT"]

N = 500


def people():
    """Years, cm, kg, income in thousands."""
    rng = np.random.RandomState(0)
    height = rng.normal(170, 9, N)
    return np.c_[
        rng.uniform(18, 90, N), height, 0.9 * (height - 100) + rng.normal(10, 11, N), rng.lognormal(3.6, 0.5, N)
    ]


def people_with_income_in_units():
    return people() * [1, 1, 1, 1000]


def weather():
    """Degrees Celsius, hPa, per cent, m/s, mm."""
    rng = np.random.RandomState(1)
    rain = rng.gamma(0.3, 8, N)
    return np.c_[rng.normal(11, 8, N), rng.normal(1014, 9, N), 100 * rng.beta(6, 2.5, N), rng.weibull(2, N) * 4.5, rain]


def cars():
    """Miles per gallon, cylinders, cubic inches, horsepower, pounds, seconds to 60 mph, model year."""
    rng = np.random.RandomState(2)
    cylinders = rng.choice([4, 6, 8], N, p=[0.5, 0.2, 0.3])
    volume = 38 * cylinders - 30 + rng.normal(0, 25, N)
    weight = 1600 + 7 * volume + rng.normal(0, 250, N)
    mileage = 45 - 0.0075 * weight + rng.normal(0, 3, N)
    power = 35 + 0.36 * volume + rng.normal(0, 12, N)
    return np.c_[mileage, cylinders, volume, power, weight, rng.normal(15.5, 2.7, N), rng.randint(70, 83, N)]


def houses():
    """Square feet, rooms, baths, year, lot in square feet, price."""
    rng = np.random.RandomState(3)
    area = rng.lognormal(7.5, 0.4, N)
    rooms = np.round(area / 600 + rng.normal(1, 0.7, N)).clip(1)
    return np.c_[
        area,
        rooms,
        rng.randint(1, 4, N),
        rng.randint(1900, 2015, N),
        rng.lognormal(9, 0.5, N),
        120 * area * rng.lognormal(0, 0.3, N),
    ]


def districts():
    """As the Californian ones: income, age, rooms, bedrooms, population, occupants, latitude, longitude."""
    rng = np.random.RandomState(4)
    return np.c_[
        rng.lognormal(1.25, 0.45, N),
        rng.randint(1, 53, N),
        rng.normal(5.4, 1.2, N),
        rng.normal(1.1, 0.1, N),
        rng.lognormal(7, 0.7, N),
        rng.lognormal(1.05, 0.25, N),
        rng.uniform(32.5, 42, N),
        rng.uniform(-124.3, -114.3, N),
    ]


def blood():
    """Haemoglobin g/dl, white cells 1e9/l, platelets 1e9/l, glucose mg/dl, cholesterol mg/dl, creatinine mg/dl,
    sodium and potassium mmol/l."""
    rng = np.random.RandomState(5)
    return rng.normal([14.2, 7, 250, 96, 195, 0.9, 140, 4.2], [1.4, 1.9, 60, 16, 38, 0.2, 2.6, 0.4], (N, 8))


def machine():
    """Degrees Celsius, bar, rotations a minute, ampere, mm/s of vibration."""
    rng = np.random.RandomState(6)
    return np.c_[
        rng.normal(74, 6, N),
        rng.normal(5.5, 0.4, N),
        rng.normal(1480, 25, N),
        rng.gamma(4, 0.5, N),
        rng.normal(18, 3, N),
    ]


def vital_signs():
    """Beats and breaths a minute, two pressures in mmHg, degrees Celsius, per cent of oxygen."""
    rng = np.random.RandomState(7)
    return np.c_[
        rng.normal([82, 17, 124, 74, 36.9], [14, 3.5, 17, 11, 0.6], (N, 5)), (100 - rng.gamma(2, 1.4, N)).clip(70)
    ]


def soil():
    """pH, per cent of clay, of organic carbon, mg/kg of phosphorus, of potassium, depth in cm."""
    rng = np.random.RandomState(8)
    return np.c_[
        rng.normal(6.4, 0.8, N),
        100 * rng.beta(2.5, 7, N),
        rng.gamma(3, 0.6, N),
        rng.lognormal(2.8, 0.7, N),
        rng.lognormal(5, 0.5, N),
        rng.uniform(5, 100, N),
    ]


def customers():
    """Years, years as a customer, orders, average basket, 0 or 1 for a subscription."""
    rng = np.random.RandomState(9)
    orders = rng.poisson(rng.gamma(1.5, 4, N))
    return np.c_[rng.uniform(18, 80, N), rng.uniform(0, 12, N), orders, rng.lognormal(3.8, 0.6, N), rng.rand(N) < 0.3]


def weather_without_pressure():
    return weather()[:, [0, 2, 3]]


def answers():
    """Forty answers on a scale from 1 to 5, which follow three attitudes."""
    rng = np.random.RandomState(10)
    latent = rng.normal(size=(N, 3)) @ rng.normal(size=(3, 40)) * 0.6 + rng.normal(rng.normal(0, 0.5, 40), 1, (N, 40))
    return np.round(3 + latent).clip(1, 5)


def marks():
    """Per cent in eight exams of different difficulty."""
    rng = np.random.RandomState(11)
    ability = rng.normal(0, 10, (N, 1))
    return (rng.uniform(45, 80, 8) + ability + rng.normal(0, rng.uniform(6, 14, 8), (N, 8))).clip(0, 100).round()


def returns():
    """Daily returns of thirty shares, heavy-tailed."""
    rng = np.random.RandomState(12)
    market = rng.standard_t(4, (N, 1)) * 0.007
    return market * rng.uniform(0.6, 1.5, 30) + rng.standard_t(4, (N, 30)) * rng.uniform(0.006, 0.014, 30)


def windows():
    """Windows of 24 hours of one temperature."""
    rng = np.random.RandomState(13)
    day, hour = rng.normal(12, 8, (N, 1)), np.arange(24)
    return day - 5 * np.cos(2 * np.pi * (hour - 2) / 24) * rng.uniform(0.3, 1.5, (N, 1)) + rng.normal(0, 0.7, (N, 24))


def thermometers():
    """Degrees Celsius in the rooms of one building, two of them cooler."""
    rng = np.random.RandomState(14)
    season = rng.normal(0, 2.5, (N, 1))
    rooms = np.array([21, 22, 20.5, 21.5, 23, 20, 17, 16])
    return rooms + season * rng.uniform(0.6, 1.3, 8) + rng.normal(0, 0.5, (N, 8))


def spectra():
    """Absorbances at 100 wavelengths: three substances in varied amounts over a baseline that drifts."""
    rng = np.random.RandomState(15)
    places = np.linspace(0, 1, 100)
    lines = np.exp(-(((places - np.array([[0.25], [0.5], [0.7]])) / [[0.06], [0.1], [0.05]]) ** 2))
    return rng.gamma(2, 0.3, (N, 3)) @ lines + rng.uniform(0, 0.4, (N, 1)) + rng.normal(0, 0.01, (N, 100))


def counts_of_words():
    """Words in documents of two topics, most of them rare."""
    rng = np.random.RandomState(16)
    rates = rng.gamma(0.5, 2, (2, 200))
    return rng.poisson(rates[rng.randint(2, size=N)] * rng.gamma(5, 0.2, (N, 1)))


def electrodes():
    """Microvolts at 16 places of one head."""
    rng = np.random.RandomState(17)
    return rng.laplace(0, 12, (N, 4)) @ rng.normal(0, 0.5, (4, 16)) + rng.normal(0, 4, (N, 16))


def hours_of_a_week():
    """Hours of a week that are spent on sleep, work, care, travel, leisure and sport."""
    rng = np.random.RandomState(18)
    return 168 * rng.dirichlet([34, 22, 10, 5, 20, 3], N)


def patches():
    """Patches of 8 by 8 grey levels of a photograph."""
    return extract_patches_2d(load_sample_image("china.jpg").mean(2), (8, 8), max_patches=1000, random_state=0).reshape(
        -1, 64
    )


def from_file(name):
    path = Path(os.environ.get("SKLID_DATA", "")) / name
    if not os.environ.get("SKLID_DATA") or not path.exists():
        pytest.skip(f"SKLID_DATA names no folder with {name}")
    return np.load(path)


def images(name):
    return from_file(name)["X_train"][:3000].reshape(3000, -1).astype(float)


def satimage():
    return from_file("satimage.npz")["X_train"].astype(float)


def log_counts(n_genes):
    """Log counts of the most variable genes, each cell scaled to the median number of counts."""
    file = from_file("mouse_bladder_counts.npz")
    counts = csr_matrix((file["data"], file["indices"], file["indptr"]), shape=file["shape"]).toarray().astype(float)
    totals = counts.sum(1, keepdims=True)
    logs = np.log1p(counts / totals * np.median(totals))
    return logs[:, np.argsort(-logs.var(0))[:n_genes]]


MIXED_UNITS = {
    "diabetes": lambda: load_diabetes(scaled=False).data,
    "wine": lambda: load_wine().data,
    "breast cancer": lambda: load_breast_cancer().data,
    "linnerud": lambda: load_linnerud().target,
    "people": people,
    "people, income in units": people_with_income_in_units,
    "weather": weather,
    "weather without pressure": weather_without_pressure,
    "cars": cars,
    "houses": houses,
    "districts": districts,
    "blood": blood,
    "machine": machine,
    "vital signs": vital_signs,
    "soil": soil,
    "customers": customers,
}
ONE_UNIT = {
    "digits": lambda: load_digits().data,
    "iris": lambda: load_iris().data,
    "patches": patches,
    "answers": answers,
    "marks": marks,
    "returns": returns,
    "windows of a series": windows,
    "thermometers": thermometers,
    "electrodes": electrodes,
    "satimage": satimage,
    "MNIST": lambda: images("mnist.npz"),
    "Fashion-MNIST": lambda: images("fashion_mnist.npz"),
    "log counts of 200 genes": lambda: log_counts(200),
    "log counts of 1000 genes": lambda: log_counts(1000),
}
HIDDEN_UNIT = {"spectra": spectra, "counts of words": counts_of_words, "hours of a week": hours_of_a_week}
"""One unit, which the columns do not show: some are far wider than others, or lie elsewhere."""
