# SPDX-License-Identifier: BSD-3-Clause
"""Kernel interfaces and TCP between two workloads, through sluice, the kernel or OVS-DPDK."""
