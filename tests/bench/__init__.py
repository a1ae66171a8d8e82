# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark behind tools/bench, in rooms. Each may import from the rooms above it in this list:

scenario   what is measured: traffic, configuration, cases; nothing runs here
measuring  one sluiced under one scenario: the numbers of one round
peers      testpmd, OVS-DPDK and Pktgen-DPDK on the same packets
workloads  kernel interfaces and TCP between two workloads, through sluice, the kernel or OVS-DPDK
report     medians, tables, targets, figures

ways.py names the ways to measure a point; rounds.py plays all points in turn; command.py is the
command line.
"""
