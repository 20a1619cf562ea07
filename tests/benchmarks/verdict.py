"""The sentences at the top of the page: for each group, its main result in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Group = dict[str, Any]

OURS = "genai-credentials"


def verdict(group: Group) -> str:
    """The main result of a group; "" for a group that has no sentence."""
    sentence = SENTENCES.get(group["name"])
    return sentence(group) if sentence else ""


def _warm(group: Group) -> str:
    one = group["series"]["one"]
    ours = one["credentials.get()"]
    others = [of for name, of in one.items() if not name.startswith(("floor", "credentials", "openai"))]
    return (
        f"`credentials.get()` takes {ours:.0f} ns, {ours / one['floor: clock and attribute']:.2f} times the "
        f"[floor](explanation/glossary.md#floor). Other packages take {min(others):,.0f} to {max(others):,.0f} ns."
    )


def _requests(group: Group) -> str:
    ratios = [100 * (ratio - 1) for _, ratio, *_ in group["series"].values()]
    return (
        f"A request takes {min(ratios):.1f} to {max(ratios):.1f} % more CPU time than with a stock client. It depends "
        "on the kind of request."
    )


def _herd(group: Group) -> str:
    calls = [of[0] for found in group["series"].values() for of in found[OURS].values()]
    return (
        "If up to 1,000 threads or 10,000 tasks find an empty cache or a refused key at the same moment (a "
        f"[herd](explanation/glossary.md#herd)), the store is called {_times(max(calls))}."
    )


def _times(calls: int) -> str:
    return "once" if calls == 1 else f"{calls:,} times"


def _rotation(group: Group) -> str:
    ours, *others = (group["series"][name] for name in sorted(group["series"], key=lambda name: name != OURS))
    failed = [of["failed"] for of in others if of["failed"]]
    return (
        f"The API refuses the old key at once, under load: {ours['failed']:,} requests fail, and the longest takes "
        f"{ours['longest'] * 1e3:.0f} ms. {len(failed)} of {len(others)} other solutions lose {min(failed):,} to "
        f"{max(failed):,} requests."
    )


def _start(group: Group) -> str:
    ours, bare = group["series"]["import genai_credentials"], group["series"]["bare Python"]
    return f"`import genai_credentials` takes {ours[1] * 1e3:.0f} ms and {ours[2] - bare[2]:.1f} MB."


def _cold(group: Group) -> str:
    stock, *ours = (of[0] for of in group["series"].values())
    return (
        f"A process with a stock client has its first answer {stock:.2f} s after its start. This library adds "
        f"{min(ours) - stock:.2f} to {max(ours) - stock:.2f} s, depending on the store."
    )


def _fleet(group: Group) -> str:
    size, ours = group["series"]["sizes"][-1], group["series"]["summaries"]["ours"][-1]
    return (
        f"{size:,} processes call the store {ours['mean']:.0f} times a second on average. On AWS that costs "
        f"{ours['aws_dollars']:.2f} dollars a day. {ours['failed']:,.0f} requests fail on a day with four rotations."
    )


def _tenants(group: Group) -> str:
    ours, stock = group["series"]["memory"].values()
    return f"10,000 tenants with their clients take {ours:,.0f} MB. 10,000 stock clients would take {stock:,.0f} MB."


def _proxy(group: Group) -> str:
    measured = {reach["what"]: reach["measured"] for reach in group["reaches"]}
    rate = next(of for what, of in measured.items() if what.startswith("requests a second"))
    added = measured["a request through the proxy"]
    return f"The proxy adds {added} to a request, and sends {rate.removesuffix('/s')} requests a second."


SENTENCES: dict[str, Callable[[Group], str]] = {
    "warm": _warm,
    "requests": _requests,
    "herd": _herd,
    "rotation": _rotation,
    "start": _start,
    "cold": _cold,
    "fleet": _fleet,
    "tenants": _tenants,
    "proxy": _proxy,
}
