# SPDX-License-Identifier: BSD-3-Clause
"""Other programs on the same packets."""
