# SPDX-License-Identifier: BSD-3-Clause
"""How the control plane scales: objects loaded over the socket of a sluiced on null devices."""
