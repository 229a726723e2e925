"""Draws the ridge figure from the CSV that `surge figure` exports, with matplotlib, at the size of nature-89.

    surge figure sweep --kind ridge --preset nature-89 --format csv --out figures
    python3 test/bench/matplotlib_ridge.py figures/sweep-ridge.csv ridge.png

Everything drawn is in the CSV: the two pictures have the same content.
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator  # noqa: E402

# Name, color and dash.
LAWS = {
    "surge": ("surge", "#D55E00", (0, (7, 1.4))),
    "alpha1": ("saturating, $\\alpha$ = 1", "#0072B2", (0, (3, 1.5))),
    "alpha_half": ("saturating, $\\alpha$ = 1/2", "#009E73", (0, (1.1, 1.3))),
    "alpha_free": ("saturating, $\\alpha$ free", "#CC79A7", (0, (5, 1.3, 1.1, 1.3))),
    "mean_field": ("mean field", "#B58900", (0, (5, 1.3, 1.1, 1.3, 1.1, 1.3))),
    "power": ("power law", "#3A9BD1", (0, (9, 2.2))),
    "constant": ("constant", "#595959", (0, (1.1, 2.6))),
}


def number(text):
    return float(text) if text else float("nan")


def main(source, target):
    with open(source, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    plt.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": 6.5,
            "axes.linewidth": 0.5,
            "xtick.direction": "in",
            "ytick.direction": "in",
            "xtick.top": True,
            "ytick.right": True,
            "legend.frameon": False,
            "legend.fontsize": 6.5,
        }
    )
    figure, axes = plt.subplots(figsize=(89 / 25.4, 82 / 25.4), layout="constrained")
    optima = [row for row in rows if row["element"] == "optimum" and row["learning_rate"]]
    peaks = {number(row["batch_size"]) for row in rows if row["element"] == "peak"}
    for row in rows:
        if row["element"] == "noise scale":
            value = number(row["batch_size"])
            low, high = number(row["batch_size_low"]), number(row["batch_size_high"])
            if low == low:
                axes.axvspan(low, high, color="#fbe6d8", lw=0, label="$B_\\mathrm{noise}$ 90 % interval")
            axes.axvline(
                value,
                color="#D55E00",
                lw=0.9,
                ls=(0, (2.6, 1.6)),
                label=f"$B_\\mathrm{{noise}}$ = {value:.3g} (surge)",
            )
    for law, (name, color, dash) in LAWS.items():
        curve = [row for row in rows if row["element"] == "law" and row["law"] == law]
        if curve:
            axes.plot(
                [number(row["batch_size"]) for row in curve],
                [number(row["learning_rate"]) for row in curve],
                color=color,
                ls=dash,
                lw=0.9,
                label=name,
            )
    for label, star in (("optimum, 5–95 %", False), ("highest", True)):
        chosen = [row for row in optima if (number(row["batch_size"]) in peaks) == star]
        if not chosen:
            continue
        sizes = [number(row["batch_size"]) for row in chosen]
        rates = [number(row["learning_rate"]) for row in chosen]
        below = [max(0, rate - number(row["learning_rate_low"] or rate)) for rate, row in zip(rates, chosen)]
        above = [max(0, number(row["learning_rate_high"] or rate) - rate) for rate, row in zip(rates, chosen)]
        axes.errorbar(sizes, rates, yerr=[below, above], fmt="none", ecolor="black", elinewidth=0.5, capsize=1.2, capthick=0.5)
        for size, rate, row in zip(sizes, rates, chosen):
            axes.plot(
                size,
                rate,
                "*" if star else "o",
                color="black",
                mfc="white" if row["uncertain"] == "yes" else "black",
                ms=6 if star else 3.4,
                mew=0.5,
                label=label,
            )
            label = None
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator([number(row["batch_size"]) for row in optima]))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size $B$")
    axes.set_ylabel("optimal learning rate")
    figure.legend(loc="outside lower left", ncols=2, columnspacing=1.2)
    figure.savefig(target, dpi=200)


if __name__ == "__main__":
    main(*sys.argv[1:3])
