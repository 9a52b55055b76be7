"""The plots beside docs/performance.md, as SVG."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "starling", "font.size": 9,
                        "axes.spines.top": False, "axes.spines.right": False}

from matplotlib import pyplot  # noqa: E402

from .page import SERVERS, TRANSPORTS, best_columns  # noqa: E402

COLORS = {"starling": "#1b6ca8", "lightspeed": "#9aa5b1", "mosquitto": "#c98b2b", "aedes": "#7a9e4b",
          "tcp": "#9aa5b1", "quic": "#1b6ca8"}


def draw(records, folder):
    if "messages" in records:
        scenarios = records["messages"]["result"]
        save(messages([one for one in scenarios
                       if "cpu" in best_columns(one) and "lightspeed" in one["servers"]]),
             folder / "messages.svg")
    if "peers" in records:
        save(messages(records["peers"]["result"]), folder / "peers.svg")
    if "messages" in records:
        for one in records["messages"]["result"]:
            if "p50" in best_columns(one):
                save(latency(one), folder / "latency.svg")
    if "loss" in records:
        save(loss(records["loss"]["result"]), folder / "loss.svg")
    if "idle" in records:
        save(memory(records), folder / "memory.svg")


def save(figure, file):
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def messages(scenarios):
    """Bars side by side for each scenario; the axis is logarithmic, as servers differ so much."""
    figure, axes = pyplot.subplots(figsize=(8, 0.55 * len(scenarios) + 1))
    names = [name for name in SERVERS if any(name in one["servers"] for one in scenarios)]
    height = 0.8 / len(names)
    for place, name in enumerate(names):
        rows = [(index, one["servers"][name]["best"]["cpu"])
                for index, one in enumerate(scenarios) if name in one["servers"]]
        axes.barh([index + (place - (len(names) - 1) / 2) * height for index, _ in rows],
                  [value for _, value in rows], height, color=COLORS[name], label=SERVERS[name])
    axes.set_yticks(range(len(scenarios)), [one["what"] for one in scenarios])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("CPU microseconds per delivered message (or connection)")
    axes.legend(frameon=False)
    return figure


def latency(scenario):
    figure, axes = pyplot.subplots(figsize=(6, 3.5))
    columns = list(best_columns(scenario))
    for name, found in scenario["servers"].items():
        axes.plot(range(len(columns)), [found["best"][column] for column in columns], marker="o",
                  color=COLORS[name], label=SERVERS[name])
    axes.set_xticks(range(len(columns)), [column.replace("_", ".") for column in columns])
    axes.set_yscale("log")
    axes.set_ylabel("microseconds")
    axes.legend(frameon=False)
    return figure


def loss(rows):
    """For each number of pairs the 99th percentile by loss, the transports side by side."""
    crowds = sorted({row["pairs"] for row in rows})
    figure, places = pyplot.subplots(1, len(crowds), figsize=(8, 3), sharey=True, squeeze=False)
    for axes, pairs in zip(places[0], crowds, strict=True):
        for place, transport in enumerate(TRANSPORTS):
            found = [row for row in rows
                     if (row["pairs"], row["transport"]) == (pairs, transport)]
            bars = axes.bar([index + 0.4 * place for index in range(len(found))],
                            [row["latency_ms"]["p99"] for row in found], 0.38,
                            color=COLORS[transport], label=TRANSPORTS[transport])
            axes.bar_label(bars, fmt="%.0f")
        axes.set_xticks([index + 0.2 for index in range(len(found))],
                        [f"{row['loss_percent']:g} %" for row in found])
        axes.set_title(f"{pairs} {'pair' if pairs == 1 else 'pairs'}")
    places[0][0].set_ylabel("p99, milliseconds")
    places[0][0].legend(frameon=False)
    return figure


def memory(records):
    rows = [(row["what"], row["bytes"]) for row in records["idle"]["result"]]
    if "million-quic" in records:
        rows.append(("client over QUIC with a subscription",
                     records["million-quic"]["result"]["rss_per_client"]))
    figure, axes = pyplot.subplots(figsize=(7, 0.4 * len(rows) + 1))
    bars = axes.barh(range(len(rows)), [value for _, value in rows], color=COLORS["starling"])
    axes.bar_label(bars, [f"{value:,.0f}" for _, value in rows], padding=3)
    axes.set_yticks(range(len(rows)), [what for what, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("resident bytes")
    return figure
