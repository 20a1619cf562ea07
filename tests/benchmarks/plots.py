"""The plots of the page: no background and mid-grey text, so that they read on light and on dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GREY, OURS, THEIRS, LINE = "#8a8f98", "#3b82f6", "#a3a8b0", "#ef8a3c"
COLOURS = {"ours": OURS, "ours without jitter": LINE, "polling every 300 s": THEIRS}

Series = dict[str, Any]


def draw(groups: dict[str, Series], folder: Path) -> dict[str, str]:
    """Write one SVG for each group that has one; returns their names by group."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(_style())
    written = {}
    for name, series in groups.items():
        if name in PLOTS:
            written[name] = f"benchmarks-{name}.svg"
            PLOTS[name](series, folder / written[name])
    return written


def _style() -> dict[str, Any]:
    grey = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "axes.titlecolor")
    return {
        **dict.fromkeys(grey, GREY),
        "svg.fonttype": "none",
        "svg.hashsalt": "genai-credentials",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "legend.frameon": False,
        "savefig.transparent": True,
    }


@contextmanager
def _figure(path: Path, columns: int, height: float) -> Iterator[Any]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, columns, figsize=(9, height), layout="constrained", squeeze=False)
    yield axes[0]
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    # matplotlib leaves white space at the ends of lines.
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))


def _bars(axis: Any, numbers: dict[str, float], title: str, label: str, write: Callable[[float], str]) -> None:
    names = sorted(numbers, key=lambda name: -numbers[name])
    values = [max(numbers[name], 1e-3) for name in names]
    bars = axis.barh(names, values, color=[_colour(name) for name in names], height=0.65)
    axis.bar_label(bars, [f" {write(numbers[name])}" for name in names], color=GREY, fontsize=8.5)
    axis.set(title=title, xlabel=label)
    axis.margins(x=0.22)


def _colour(name: str) -> str:
    ours = ("credentials", "await", "genai-credentials", "import genai", "from genai_credentials", "first key")
    return OURS if name.startswith(ours) else LINE if "floor" in name else THEIRS


def _warm(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.6) as (one, eight):
        for axis, which, title in ((one, "one", "A warm read, 1 thread"), (eight, "eight", "8 threads")):
            axis.set_xscale("log")
            _bars(axis, series[which], title, "ns a call, log", lambda value: f"{value:,.0f}")
            axis.tick_params(axis="y", labelsize=7.5)


def _requests(series: Series, path: Path) -> None:
    with _figure(path, 1, 3.2) as (axis,):
        names = list(series)[::-1]
        middle = [series[name][1] for name in names]
        low = [series[name][1] - series[name][0] for name in names]
        high = [series[name][2] - series[name][1] for name in names]
        axis.errorbar(middle, names, xerr=(low, high), fmt="o", color=OURS, ecolor=GREY, capsize=3)
        axis.plot([series[name][3] for name in names], names, "x", color=GREY, label="stock by stock: noise")
        axis.legend(fontsize=8, labelcolor=GREY)
        axis.axvline(1.0, color=GREY, linewidth=0.8)
        axis.axvline(1.02, color=LINE, linewidth=0.8, linestyle="--")
        axis.set(title="CPU a request, ours by stock, with its 95 % interval; dashed: the Reach", xlabel="ratio")


def _herd(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.4) as axes:
        titles = ("a refusal, threads", "a refusal, tasks")
        for axis, occasion in zip(axes, titles, strict=True):
            for name, outcomes in series[occasion].items():
                if "floor" not in name:
                    sizes = [int(size) for size in outcomes]
                    calls = [outcome[0] for outcome in outcomes.values()]
                    style = {"color": OURS, "linewidth": 2.5} if name == "genai-credentials" else {"linewidth": 1}
                    axis.plot(sizes, calls, marker="o", label=name, **style)
            axis.set(xscale="log", yscale="log", title=occasion.capitalize(), xlabel="callers at once")
        axes[0].set_ylabel("calls of the store")
        axes[0].legend(fontsize=7.5, labelcolor=GREY)


def _rotation(series: Series, path: Path) -> None:
    with _figure(path, 2, 4.2) as (failed, longest):
        stalls = {name: of["longest"] * 1e3 for name, of in series.items()}
        _bars(failed, {name: of["failed"] for name, of in series.items()}, "Failed requests", "", lambda v: f"{v:,.0f}")
        _bars(longest, stalls, "Longest request", "ms", lambda value: f"{value:,.0f}")
        for axis in (failed, longest):
            axis.tick_params(axis="y", labelsize=7.5)


def _start(series: Series, path: Path) -> None:
    with _figure(path, 2, 4.0) as (cpu, memory):
        base = series["bare Python"][2]
        shown = {name: of for name, of in series.items() if name != "bare Python"}
        _bars(cpu, {name: of[1] * 1e3 for name, of in shown.items()}, "CPU", "ms", lambda value: f"{value:,.0f}")
        over = {name: of[2] - base for name, of in shown.items()}
        _bars(memory, over, "Peak memory over bare Python", "MB", lambda value: f"{value:,.1f}")
        for axis in (cpu, memory):
            axis.tick_params(axis="y", labelsize=7)


def _fleet(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.6) as (hour, peaks):
        for kind, calls in reversed(series["hour"].items()):
            minutes = [place / 6 for place in range(len(calls))]
            hour.plot(minutes, [count / 10 for count in calls], label=kind, color=COLOURS[kind], linewidth=1.1)
        hour.set(title=f"Calls a second, {series['sizes'][-1]:,} processes started at once", xlabel="minutes")
        hour.legend(fontsize=8, labelcolor=GREY)
        for kind, found in series["summaries"].items():
            peak = [of["scheduled_peak"] for of in found]
            peaks.plot(series["sizes"], peak, marker="o", label=f"{kind}: scheduled, peak", color=COLOURS[kind])
        for part, style in (("refusal_peak", ":"), ("mean", "--")):
            line = [of[part] for of in series["summaries"]["ours"]]
            label = f"ours: {part.removesuffix('_peak')}{', peak' * part.endswith('peak')}"
            peaks.plot(series["sizes"], line, linestyle=style, color=OURS, label=label)
        peaks.axhline(10_000, color=GREY, linewidth=0.8)
        peaks.annotate("AWS's quota, 10,000/s", (1, 10_000), xytext=(0, 3), textcoords="offset points", fontsize=8)
        peaks.set(xscale="log", yscale="log", title="Calls a second after the start", xlabel="processes")
        peaks.legend(fontsize=7.5, labelcolor=GREY)


PLOTS: dict[str, Callable[[Series, Path], None]] = {
    "warm": _warm,
    "requests": _requests,
    "herd": _herd,
    "rotation": _rotation,
    "start": _start,
    "fleet": _fleet,
}
