# SPDX-License-Identifier: BSD-3-Clause
"""Plots as SVG: lines over a logarithmic or named axis, bars in groups. Colours that read on light
and on dark, nothing fetched from elsewhere."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 180, 44, 56
INK = "#7a7f87"   # readable on white and on black
GRID = "#7a7f8740"
COLOURS = ("#2f7ed8", "#e0662b", "#2ca25f", "#a45bd0", "#c99a06", "#d6457a", "#4fa3a5", "#8c6d4f")


class Canvas:
    """Elements of one picture."""

    def __init__(self, title):
        self._title = title
        self._parts = []
        self.text(LEFT, 24, title, size=15, weight="600")

    def add(self, element, **attributes):
        written = " ".join(f'{name.replace("_", "-")}="{escape(str(value))}"'
                           for name, value in attributes.items())
        self._parts.append(f"<{element} {written}/>")

    def line(self, x1, y1, x2, y2, stroke=INK, width=1, **more):
        self.add("line", x1=round(x1, 1), y1=round(y1, 1), x2=round(x2, 1), y2=round(y2, 1),
                 stroke=stroke, stroke_width=width, **more)

    def text(self, x, y, text, anchor="start", size=12, weight="400", turn=None):
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                           f'font-size="{size}" font-weight="{weight}" fill="{INK}"{turned}>'
                           f"{escape(text)}</text>")

    def error_bar(self, x, low, high, colour):
        self.line(x, low, x, high, colour, 1.2)
        for y in (low, high):
            self.line(x - 3, y, x + 3, y, colour, 1.2)

    def legend(self, names):
        for i, name in enumerate(names):
            y = TOP + 10 + 20 * i
            self.add("rect", x=WIDTH - RIGHT + 14, y=y - 8, width=12, height=12, rx=2,
                     fill=COLOURS[i % len(COLOURS)])
            self.text(WIDTH - RIGHT + 32, y + 2, name)

    def document(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(self._title)}" '
                'font-family="system-ui, sans-serif">\n' + "\n".join(self._parts) + "\n</svg>\n")


def ticks(top, wanted=5):
    """Round numbers from 0 to at least top."""
    if top <= 0:
        return [0, 1]
    raw = top / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
    return [i * step for i in range(math.ceil(top / step) + 1)]


def number(value):
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


class Scale:
    """Values to places."""

    def __init__(self, first, last, start, end, log=False):
        self._log = log
        self._first, self._last = self._value(first), self._value(last)
        self._start, self._end = start, end

    def _value(self, value):
        return math.log10(max(value, 1)) if self._log else value

    def __call__(self, value):
        span = self._last - self._first
        share = (self._value(value) - self._first) / span if span else 0.5
        return self._start + share * (self._end - self._start)


def frame(canvas, top, y_label, x_label):
    """Horizontal grid and both titles; the vertical scale."""
    steps = ticks(top)
    scale = Scale(0, steps[-1], HEIGHT - BOTTOM, TOP)
    for step in steps:
        canvas.line(LEFT, scale(step), WIDTH - RIGHT, scale(step), GRID)
        canvas.text(LEFT - 8, scale(step) + 4, number(round(step, 6)), "end")
    canvas.text(18, (TOP + HEIGHT - BOTTOM) / 2, y_label, "middle", turn=-90)
    canvas.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle")
    return scale


def highest(series):
    return max((values["max"] for points in series.values() for _, values in points), default=1)


def lines(title, series, y_label, x_label):
    """series: name -> [(x, {"median", "min", "max"})], x numbers on a logarithmic axis."""
    canvas = Canvas(title)
    y = frame(canvas, highest(series), y_label, x_label)
    places = sorted({x for points in series.values() for x, _ in points})
    x_of = Scale(places[0], places[-1], LEFT + 20, WIDTH - RIGHT - 20, log=True)
    last = -99
    for place in places:
        x = x_of(place)
        canvas.line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4)
        if x - last >= 30:
            canvas.text(x, HEIGHT - BOTTOM + 18, number(place), "middle")
            last = x
    for i, points in enumerate(series.values()):
        colour = COLOURS[i % len(COLOURS)]
        points = sorted(points, key=lambda point: point[0])
        path = " ".join(f"{x_of(x):.1f},{y(values['median']):.1f}" for x, values in points)
        canvas.add("polyline", points=path, fill="none", stroke=colour, stroke_width=2)
        for x, values in points:
            canvas.error_bar(x_of(x), y(values["min"]), y(values["max"]), colour)
            canvas.add("circle", cx=round(x_of(x), 1), cy=round(y(values["median"]), 1), r=3.5,
                       fill=colour)
    canvas.legend(series)
    return canvas.document()


def bars(title, series, y_label, x_label):
    """The same, x names in the order in which they come."""
    canvas = Canvas(title)
    y = frame(canvas, highest(series), y_label, x_label)
    places = list(dict.fromkeys(x for points in series.values() for x, _ in points))
    room = (WIDTH - RIGHT - LEFT) / len(places)
    width = min(room * 0.8 / len(series), 48)
    for at, place in enumerate(places):
        middle = LEFT + room * (at + 0.5)
        canvas.text(middle, HEIGHT - BOTTOM + 18, str(place), "middle")
        for i, points in enumerate(series.values()):
            values = dict(points).get(place)
            if values is None:
                continue
            x = middle + (i - len(series) / 2) * width
            canvas.add("rect", x=round(x + 1, 1), y=round(y(values["median"]), 1),
                       width=round(width - 2, 1),
                       height=round(y(0) - y(values["median"]), 1), rx=2,
                       fill=COLOURS[i % len(COLOURS)], fill_opacity=0.85)
            canvas.error_bar(x + width / 2, y(values["min"]), y(values["max"]), INK)
    canvas.legend(series)
    return canvas.document()
