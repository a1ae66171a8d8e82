# SPDX-License-Identifier: BSD-3-Clause
"""The parts of end-to-end tests: namespaces, daemons, peers, traffic, expectations."""
