"""The plots of the page: without a background, with text that is light on a dark page; narrow, for phones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GREY, OURS, THEIRS, LINE = "#5c626c", "#3b82f6", "#a3a8b0", "#ef8a3c"
ON_DARK = "#b4bac4"
"""What `GREY` becomes on a dark page."""
PEERS = ("#b0689c", "#4b9c8e", "#8a7ad0", "#a08050", "#c95f5f")
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
def _figure(path: Path, rows: int, height: float) -> Iterator[Any]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, 1, figsize=(6, rows * height), layout="constrained", squeeze=False)
    yield axes[:, 0]
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    # matplotlib leaves white space at the ends of lines.
    lines = (line.rstrip() for line in path.read_text().splitlines())
    path.write_text("".join(f"{line}\n" + _dark() * (line.strip() == "</metadata>") for line in lines))


def _dark() -> str:
    """A rule of the drawing: on a dark page the text and the axes are light."""
    rules = (f'[style*="{part}: {GREY}"] {{ {part}: {ON_DARK} !important }}' for part in ("fill", "stroke"))
    return f"<style>@media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}</style>\n"


def _bars(axis: Any, numbers: dict[str, float], title: str, label: str, write: Callable[[float], str]) -> None:
    names = sorted(numbers, key=lambda name: -numbers[name])
    values = [max(numbers[name], 1e-3) for name in names]
    bars = axis.barh(names, values, color=[_colour(name) for name in names], height=0.65)
    axis.bar_label(bars, [write(numbers[name]) for name in names], color=GREY, fontsize=9, padding=4)
    axis.set(title=title, xlabel=label)
    axis.tick_params(axis="y", labelsize=9, length=0)
    axis.margins(x=0.18)


def _legend(axis: Any, columns: int = 2) -> None:
    """Under the plot, where no data is."""
    from matplotlib.transforms import offset_copy

    below = offset_copy(axis.transAxes, axis.figure, x=-8, y=-34, units="points")
    axis.legend(
        fontsize=9, labelcolor=GREY, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, ncols=columns
    )


def _colour(name: str) -> str:
    of_reads = ("credentials", "await", "genai-credentials", "import genai", "from genai_credentials", "first key")
    ours = (*of_reads, "Credential", "Tenants", "Env", "File", "AWSAgent", "GoogleSecretManager", "AWSSecretsManager")
    return OURS if name.startswith(ours) else LINE if "floor" in name else THEIRS


def _warm(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.5) as axes:
        for axis, which, title in zip(axes, ("one", "eight"), ("A warm read, 1 thread", "8 threads"), strict=True):
            axis.set_xscale("log")
            _bars(axis, series[which], title, "ns a call, log", lambda value: f"{value:,.0f}")


def _requests(series: Series, path: Path) -> None:
    with _figure(path, 1, 4.2) as (axis,):
        names = list(series)[::-1]
        middle = [series[name][1] for name in names]
        low = [series[name][1] - series[name][0] for name in names]
        high = [series[name][2] - series[name][1] for name in names]
        label = "this library / stock, with its 95 % interval"
        axis.errorbar(middle, names, xerr=(low, high), fmt="o", color=OURS, ecolor=GREY, capsize=3, label=label)
        axis.plot([series[name][3] for name in names], names, "x", color=GREY, label="stock / stock: noise")
        axis.axvline(1.0, color=GREY, linewidth=0.8)
        axis.axvline(1.02, color=LINE, linewidth=1, linestyle="--", label="the goal")
        axis.tick_params(axis="y", labelsize=9, length=0)
        axis.set(title="CPU time of a request", xlabel="ratio")
        _legend(axis, columns=1)


def _herd(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.4) as axes:
        for axis, occasion in zip(axes, ("a refusal, threads", "a refusal, tasks"), strict=True):
            shown = {name: of for name, of in series[occasion].items() if "floor" not in name}
            colours = dict(zip(sorted(shown.keys() - {"genai-credentials"}), PEERS, strict=False))
            for name, outcomes in shown.items():
                sizes = [int(size) for size in outcomes]
                calls = [outcome[0] for outcome in outcomes.values()]
                width = 2.5 if name == "genai-credentials" else 1.2
                axis.plot(sizes, calls, marker="o", label=name, color=colours.get(name, OURS), linewidth=width)
            axis.set(xscale="log", yscale="log", title=f"{occasion.capitalize()}: calls of the store")
            axis.set(xlabel="callers at once", ylabel="calls")
        _legend(axes[1])


def _rotation(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.5) as (failed, longest):
        stalls = {name: of["longest"] * 1e3 for name, of in series.items()}
        _bars(failed, {name: of["failed"] for name, of in series.items()}, "Failed requests", "", lambda v: f"{v:,.0f}")
        _bars(longest, stalls, "Longest request", "ms", lambda value: f"{value:,.0f}")


def _start(series: Series, path: Path) -> None:
    with _figure(path, 2, 4.4) as (cpu, memory):
        base = series["bare Python"][2]
        shown = {name: of for name, of in series.items() if name != "bare Python"}
        _bars(cpu, {name: of[1] * 1e3 for name, of in shown.items()}, "CPU", "ms", lambda value: f"{value:,.0f}")
        over = {name: of[2] - base for name, of in shown.items()}
        _bars(memory, over, "Peak memory over bare Python", "MB", lambda value: f"{value:,.1f}")


def _cold(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.4) as (wall, memory):
        _bars(
            wall, {name: of[0] * 1e3 for name, of in series.items()}, "To the first answer", "ms", lambda v: f"{v:,.0f}"
        )
        _bars(memory, {name: of[2] for name, of in series.items()}, "Peak memory", "MB", lambda v: f"{v:,.0f}")


def _tenants(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.0) as (cpu, memory):
        cpu.set_xscale("log")
        milliseconds = {name: of * 1e3 for name, of in series["cpu"].items()}
        _bars(cpu, milliseconds, "CPU of a request", "ms, log", lambda value: f"{value:,.2f}")
        memory.set_xscale("log")
        _bars(memory, series["memory"], "Memory of 10,000 tenants", "MB, log", lambda value: f"{value:,.0f}")


def _shown(kind: str) -> str:
    return kind.replace("ours", "this library")


def _fleet(series: Series, path: Path) -> None:
    with _figure(path, 2, 3.6) as (hour, peaks):
        for kind, calls in reversed(series["hour"].items()):
            minutes = [place / 6 for place in range(len(calls))]
            hour.plot(minutes, [count / 10 for count in calls], label=_shown(kind), color=COLOURS[kind], linewidth=1.1)
        hour.set(title=f"Calls a second, {series['sizes'][-1]:,} processes started at once", xlabel="minutes")
        _legend(hour)
        for kind, found in series["summaries"].items():
            peak = [of["scheduled_peak"] for of in found]
            peaks.plot(series["sizes"], peak, marker="o", label=f"{_shown(kind)}: peak, scheduled", color=COLOURS[kind])
        for part, style in (("refusal_peak", ":"), ("mean", "--")):
            line = [of[part] for of in series["summaries"]["ours"]]
            label = f"{_shown('ours')}: {'peak, ' * part.endswith('peak')}{part.removesuffix('_peak')}"
            peaks.plot(series["sizes"], line, linestyle=style, color=OURS, label=label)
        peaks.axhline(10_000, color=GREY, linewidth=0.8)
        peaks.annotate("AWS's quota, 10,000/s", (1, 10_000), xytext=(0, -12), textcoords="offset points", fontsize=9)
        peaks.set(xscale="log", yscale="log", title="Calls a second after the start", xlabel="processes")
        _legend(peaks)


PLOTS: dict[str, Callable[[Series, Path], None]] = {
    "warm": _warm,
    "requests": _requests,
    "herd": _herd,
    "rotation": _rotation,
    "start": _start,
    "cold": _cold,
    "fleet": _fleet,
    "tenants": _tenants,
}
