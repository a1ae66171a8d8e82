# SPDX-License-Identifier: BSD-3-Clause
"""What end-to-end tests are made of: namespaces, daemons, peers, traffic, expectations."""
