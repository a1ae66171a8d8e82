# SPDX-License-Identifier: BSD-3-Clause
"""What one measurement is about: packets, configuration, and the cases that tools/bench knows."""
