# SPDX-License-Identifier: Apache-2.0
"""The table of figures with their bounds, the JSON, and the charts."""
import json
import os
import subprocess


class Table:
    """A row is a figure with its bound and `ok` or `falls short`, or without a bound."""

    def __init__(self):
        self.rows = []

    def add(self, figure, value, unit, bound=None, at_least=False, note=""):
        holds = None if bound is None else value >= bound if at_least else value <= bound
        self.rows.append({"figure": figure, "value": value, "unit": unit, "bound": bound, "at_least": at_least,
                          "holds": holds, "note": note})

    @staticmethod
    def _number(value):
        return "%.0f" % value if abs(value) >= 1000 else "%.3g" % value

    def lines(self):
        for row in self.rows:
            bound = "" if row["bound"] is None else "%s %s %s" % ("at least" if row["at_least"] else "at most",
                                                               self._number(row["bound"]), row["unit"])
            verdict = "" if row["holds"] is None else "ok" if row["holds"] else "falls short"
            yield row["figure"], "%s %s" % (self._number(row["value"]), row["unit"]), bound, verdict

    def text(self):
        return "\n".join("%-66s %16s  %-22s %s" % line for line in self.lines())

    def markdown(self):
        return "\n".join(["| figure | measured | bound | |", "| --- | --- | --- | --- |"] +
                         ["| %s | %s | %s | %s |" % line for line in self.lines()]) + "\n"


PLOT = """
set terminal svg size 720,420 dynamic background "white" font "sans-serif,13"
set output "{output}"
set title "{title}"
set xlabel "tenants, each polled every 60 s"
set ylabel "{label}"
set logscale x
set xrange [0.7:15000]
set yrange [0:*]
set grid
set key top left
plot {curves}
"""


def _chart(directory, name, title, label, data, columns):
    path = os.path.join(directory, name + ".dat")
    with open(path, "w", encoding="ascii") as file:
        for row in data:
            file.write(" ".join(str(value) for value in row) + "\n")
    curves = ", ".join('"%s" using 1:%d with linespoints lw 2 pt 7 title "%s"' % (path, column, text) for column, text in columns)
    script = PLOT.format(output=os.path.join(directory, name + ".svg"), title=title, label=label, curves=curves)
    subprocess.run(["gnuplot"], input=script.encode(), check=True)
    os.remove(path)


def charts(directory, scale):
    rows = sorted(scale, key=lambda row: row["tenants"])
    _chart(directory, "delay", "Delay from visible at the API to written by omfile", "seconds",
           [(r["tenants"], r["p50"], r["p99"], r["max"]) for r in rows], [(2, "p50"), (3, "p99"), (4, "max")])
    _chart(directory, "processor", "Processor time of rsyslogd, idle", "percent of one core",
           [(r["tenants"], r["share"] * 100) for r in rows], [(2, "user + system")])
    _chart(directory, "memory", "Resident memory of rsyslogd", "MiB",
           [(r["tenants"], r["resident"] / 2 ** 20) for r in rows], [(2, "resident")])


def write(directory, table, results):
    with open(os.path.join(directory, "results.json"), "w", encoding="utf-8") as file:
        json.dump({"figures": table.rows, "results": results}, file, indent=1)
        file.write("\n")
    with open(os.path.join(directory, "table.md"), "w", encoding="utf-8") as file:
        file.write(table.markdown())
