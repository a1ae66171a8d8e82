# SPDX-License-Identifier: BSD-3-Clause
"""From the rounds of all points to tables, targets and figures."""
