# SPDX-License-Identifier: BSD-3-Clause
"""One sluiced under one scenario, and the numbers of one round."""
