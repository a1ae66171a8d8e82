# SPDX-License-Identifier: BSD-3-Clause
"""Where each packet of a run with Pktgen is, by the counters of both programs."""
from bench.measuring.daemon import Failure, port

LOSSES = {"tx_full"}  # a busy machine may lose packets, by these reasons only
HEADERS = ["run", "Pktgen sent", "`rx_missed`", "sluice received", "sluice dropped", "sluice sent",
           "Pktgen missed", "Pktgen received"]


def table_row(cells):
    """Of Markdown, as in docs/pktgen.md."""
    return "| " + " | ".join(cells) + " |"


class Account:
    """Where each packet of a run is, by the counters of both programs, which began at zero."""

    def __init__(self, found, stats, drops, inward, outward):
        self.found, self.totals, self.drops = found, stats["totals"], drops
        self.inward, self.outward = port(stats, inward), port(stats, outward)

    @property
    def pktgen_missed(self):
        return (self.found["back_missed"] + self.found["back_errors"]
                + self.found["back_no_buffer"])

    def cells(self):
        drops = ", ".join(f"{count} {name}" for name, count in sorted(self.drops.items())) or "0"
        return [str(cell) for cell in (
            self.found["sent"], self.inward["rx_missed"], self.inward["rx_packets"], drops,
            self.outward["tx_packets"], self.pktgen_missed, self.found["back"])]

    def flaws(self, drops=""):
        """What does not add up, in words. `drops`: the reason that is to take all packets."""
        found, totals = self.found, self.totals
        sums = [
            ("what Pktgen was asked to send and what it sent", found["asked"], found["sent"]),
            ("what Pktgen sent and what reached sluice", found["sent"],
             self.inward["rx_packets"] + self.inward["rx_missed"]),
            ("what sluice received and what became of it",
             totals["received"] + totals["generated"],
             totals["sent"] + totals["dropped"] + totals["consumed"]),
            ("what sluice dropped and the reasons", totals["dropped"], sum(self.drops.values())),
            ("what sluice sent and what reached Pktgen", self.outward["tx_packets"],
             found["back"] + self.pktgen_missed + self.outward["tx_recalled"]),
        ]
        flaws = [f"{what} differ: {one_side}, {other}" for what, one_side, other in sums
                 if one_side != other]
        if found["sent"] == 0:
            flaws.append("nothing was sent")
        others = {name: count for name, count in self.drops.items() if name not in LOSSES}
        if drops and others != {drops: self.inward["rx_packets"]}:
            flaws.append(f"not all packets were dropped as {drops}: {self.drops}")
        if not drops and others:
            flaws.append(f"drops that are no losses: {others}")
        if not drops and found["back"] == 0:
            flaws.append("nothing came back")
        return flaws

    def check(self, each):
        flaws = self.flaws(each.drops)
        if flaws:
            raise Failure(f"{each.name}: {'; '.join(flaws)}")
