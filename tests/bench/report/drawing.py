# SPDX-License-Identifier: BSD-3-Clause
"""Figures by matplotlib: panels side by side that share their colours, and one legend above them.

The same rows give the same bytes: no date, and ids from a fixed salt. Text stays text, so that the
files are small; the font is matplotlib's own where a reader has it, which is wider than most.
"""
import io

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from bench.scenario.cases import short

WIDTH, HEIGHT = 8.4, 4.4           # inches
LEFT, RIGHT, TOP, BOTTOM = 0.85, 0.25, 1.15, 0.75
BETWEEN = 0.3                      # between two panels
DECADE = 10                        # from this ratio on an axis is logarithmic
# A program has the same colour in every figure. The others are for what a figure compares.
OWN = {"sluice": "#0072b2", "sluice, TAP ports": "#0072b2", "OVS-DPDK": "#d55e00",
       "testpmd mac": "#7f7f7f", "kernel": "#7f7f7f"}
PEERS = ("OVS-DPDK", "testpmd mac", "kernel")  # last in a legend
OTHERS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#000000")
NOTE = "points, bars and numbers: medians of the rounds; whiskers: the lowest and the highest"
INK, FAINT = "#222222", "#666666"
SETTINGS = {"svg.hashsalt": "sluice", "svg.fonttype": "none", "font.size": 10,
            "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
            "axes.spines.top": False, "axes.spines.right": False,
            "axes.edgecolor": FAINT, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
            "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#dddddd",
            "axes.axisbelow": True, "path.simplify": False}


def colours(names):
    """Line -> colour; no two have the same."""
    free = iter([colour for colour in OTHERS if colour not in {OWN.get(name) for name in names}])
    found = {}
    for name in names:
        found[name] = OWN.get(name) or next(free, None)
        if found[name] is None:
            raise ValueError(f"a figure has more lines than colours: {', '.join(names)}")
    return found


def spans_decades(numbers):
    """Whether an axis with these is logarithmic."""
    positive = [number for number in numbers if number > 0]
    return len(positive) == len(numbers) > 0 and max(positive) >= DECADE * min(positive)


def tick_text(value, _=None):
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def tick_of(place):
    """1024 -> 1k, 100128 -> 100k: the ticks of an axis need not be exact."""
    exact = short(place)
    return exact if not exact.isdigit() or place < 1000 else short(int(float(f"{place:.3g}")))


def values_of(panels, *which):
    return [values[what] for panel in panels.values() for points in panel.values()
            for _, values in points for what in which]


def reach_of(values):
    """How far whiskers go down and up from the medians."""
    return [[one["median"] - one["min"] for one in values],
            [one["max"] - one["median"] for one in values]]


def lines(axes, panel, places, style, digits):
    """Lines over numbers."""
    low, high = places[0], places[-1]
    if spans_decades(places):
        axes.set_xscale("log")
        axes.set_xlim(low * (low / high) ** 0.08, high * (high / low) ** 0.18)
    else:
        span = high - low or 1  # 1: a single place
        axes.set_xlim(low - 0.08 * span, high + 0.18 * span)
    axes.set_xticks(places, [tick_of(place) for place in places])
    axes.xaxis.set_minor_locator(NullLocator())
    for name, points in panel.items():
        x, values = zip(*sorted(points, key=lambda point: point[0]))
        draw_points(axes, x, values, style[name], name, "-")
        for at, one in zip(x, values):
            others = [other["median"] for rest in panel.values() for where, other in rest
                      if where == at and other is not one]
            near = any(0 < height(axes, one["median"]) - height(axes, other) < 14
                       for other in others)
            axes.annotate(f"{one['median']:,.{digits}f}", (at, one["median"]),
                          xytext=(-4, 5) if near else (5, -10), ha="right" if near else "left",
                          textcoords="offset points", fontsize=8, color=style[name])


def height(axes, value):
    """Where a value is on the page, in points from its lower edge."""
    return axes.transData.transform((axes.get_xlim()[0], value))[1] * 72 / axes.figure.dpi


def draw_points(axes, x, values, colour, name, line):
    axes.errorbar(x, [one["median"] for one in values], reach_of(values), fmt="o" + line,
                  color=colour, markersize=5, linewidth=1.8, elinewidth=1.2, capsize=3, label=name)


def bars(axes, panel, places, style, digits):
    """Bars in groups over names. On a logarithmic axis a bar would begin nowhere: dots instead."""
    width = min(0.8 / len(panel), 0.4)
    for i, (name, points) in enumerate(panel.items()):
        at = [places.index(x) + (i - (len(panel) - 1) / 2) * width for x, _ in points]
        values = [values for _, values in points]
        if axes.get_yscale() == "log":
            draw_points(axes, at, values, style[name], name, "")
            where, ha, level = (7, -3), "left", "median"
        else:
            draw_bars(axes, at, values, width, style[name], name)
            where, ha, level = (0, 3), "center", "max"
        for place, one in zip(at, values):
            axes.annotate(f"{one['median']:,.{digits}f}", (place, one[level]), xytext=where, ha=ha,
                          textcoords="offset points", fontsize=8, color=INK)
    axes.set_xticks(range(len(places)), places)
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.tick_params(axis="x", length=0)


def draw_bars(axes, at, values, width, colour, name):
    middle = [one["median"] for one in values]
    axes.bar(at, middle, width * 0.92, color=colour, label=name)
    axes.errorbar(at, middle, reach_of(values), fmt="none", ecolor=INK, elinewidth=1, capsize=3)


def set_vertical(axes, panels):
    """One vertical axis for all panels: from zero, or logarithmic."""
    low, high = min(values_of(panels, "min")), max(values_of(panels, "max"))
    if spans_decades(values_of(panels, "median", "max")):
        axes.set_yscale("log")
        axes.set_ylim(low / 1.4, high * 1.8)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, high * 1.14)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    axes.yaxis.set_major_formatter(FuncFormatter(tick_text))


def figure(plot, panels):
    """`panels`: panel -> line -> [(x, {"median", "min", "max"})]."""
    names = dict.fromkeys(name for panel in panels.values() for name in panel)
    style = colours(sorted(names, key=lambda name: name in PEERS))
    places = list(dict.fromkeys(x for panel in panels.values() for points in panel.values()
                                for x, _ in points))
    if plot.draw is lines:
        places.sort()
    with matplotlib.rc_context(SETTINGS):
        made = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
        FigureCanvasSVG(made)
        share = (WIDTH - LEFT - RIGHT) / len(panels)
        all_axes = made.subplots(1, len(panels), sharey=True, squeeze=False, gridspec_kw={
            "left": LEFT / WIDTH, "right": 1 - RIGHT / WIDTH, "bottom": BOTTOM / HEIGHT,
            "top": 1 - TOP / HEIGHT, "wspace": BETWEEN / share})[0]
        for axes, (name, panel) in zip(all_axes, panels.items()):
            set_vertical(axes, panels)
            plot.draw(axes, panel, places, style, plot.digits)
            axes.set_xlabel(plot.x)
            if name:
                axes.set_title(name, fontsize=10, color=INK)
        all_axes[0].set_ylabel(plot.y)
        made.text(0.15 / WIDTH, 1 - 0.32 / HEIGHT, plot.title, fontsize=13, weight="bold", color=INK)
        made.text(0.15 / WIDTH, 1 - 0.55 / HEIGHT, plot.under, fontsize=9, color=FAINT)
        made.text(1 - 0.15 / WIDTH, 0.1 / HEIGHT, NOTE, fontsize=8, color=FAINT, ha="right")
        if len(style) > 1:
            add_legend(made, all_axes, style)
    return made


def add_legend(made, all_axes, style):
    """In one row between the title and the panels."""
    handles = {}
    for axes in all_axes:
        for handle, name in zip(*axes.get_legend_handles_labels()):
            handles.setdefault(name, handle)
    names = [name for name in style if name in handles]
    made.legend([handles[name] for name in names], names, loc="upper left", ncol=len(names),
                bbox_to_anchor=(0.1 / WIDTH, 1 - 0.6 / HEIGHT), frameon=False, fontsize=9,
                borderaxespad=0, columnspacing=1.5)


def save(made, path, title):
    """As SVG, without matplotlib's white space at the ends of lines."""
    written = io.StringIO()
    with matplotlib.rc_context(SETTINGS):
        made.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n")
