-- SPDX-License-Identifier: BSD-3-Clause
-- Pktgen-DPDK: a file (pktgen -s 1:FILE) from port 1 to port 0 through sluice, for decapsulation.
-- See docs/pktgen.md. The settings are those of run.lua.

local run = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "") .. "run.lua")
local OUT, BACK = "1", "0"

run.guarded(function()
	pktgen.pcap(OUT, "on")
	return run.traffic(OUT, BACK)
end)
