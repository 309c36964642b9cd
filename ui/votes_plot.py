"""How a class voted, as a chart."""

from __future__ import annotations

from typing import Any

from playground.i18n import Translator
from playground.votes import Poll, Tally

COLOURS = ("#2A9D8F", "#E07B39")
"""A and B, told apart by everybody and on light and dark."""


def plot(t: Translator, poll: Poll, tally: Tally, ink: str, size: float = 1.0) -> dict[str, Any]:
    """The result as a Vega-Lite chart, which its toolbar saves as a picture; `size` is of its words."""
    counts = (tally.a, tally.b)
    # The persona, and below it who played it: on one line they are too long for a phone.
    names = [name.replace(" · ", "\n", 1) for name in poll.names]
    lines = 1 + max(name.count("\n") for name in names)
    rows = [
        {
            "who": f"{letter} · {name}",
            "votes": count,
            "told": f"{count} ({count / tally.total:.0%})" if tally.total else "0",
        }
        for letter, name, count in zip("AB", names, counts, strict=True)
    ]
    # Names stand above the bars: beside them they would leave a phone no room for the bars.
    text = {"type": "text", "align": "left", "fontSize": 18 * size, "color": ink}
    name = {**text, "fontSize": 16 * size, "lineHeight": 20 * size, "baseline": "bottom", "lineBreak": "\n"}
    name |= {"dy": -4 - 20 * size * lines, "limit": {"expr": "width"}}
    count = {**text, "dx": 8, "fontWeight": "bold"}
    room_for_count = {"domain": [0, max(1, *counts) * 1.3], "nice": False}
    return {
        "data": {"values": rows},
        "title": poll.question.strip()[:80],
        "encoding": {
            "y": {"field": "who", "type": "nominal", "sort": None, "axis": None},
            "x": {
                "field": "votes",
                "type": "quantitative",
                "title": t("votes.axis"),
                "axis": {"tickMinStep": 1, "format": "d"},
                "scale": room_for_count,
            },
        },
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 6, "height": 40},
                "encoding": {
                    "color": {"field": "who", "scale": {"range": list(COLOURS)}, "sort": None, "legend": None}
                },
            },
            {"mark": count, "encoding": {"text": {"field": "told"}}},
            {"mark": name, "encoding": {"text": {"field": "who"}, "x": {"datum": 0}}},
        ],
    }
