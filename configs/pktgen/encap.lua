-- SPDX-License-Identifier: BSD-3-Clause
-- Pktgen-DPDK: packets from 64 workloads, port 0 to port 1 through sluice. See docs/pktgen.md.
--
-- Settings beside those of run.lua:
--   SLUICE_FLOWS         1k (default) or 16k
--   SLUICE_SIZE          bytes of a frame with its checksum (default 64)
--   SLUICE_UNDERLAY_MTU  of sluice's underlay port (default 1500), which limits the size

local run = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "") .. "run.lua")
local OUT, BACK = "0", "1"
local LONGEST = 1518   -- Pktgen sends no longer ones without jumbo frames, and does not say so
local VXLAN = 50       -- bytes that the outer headers add to an inner packet, Ethernet included
local ETHERNET = 18    -- header and checksum, which an MTU does not count

-- All fields of a range step with each packet, before it is made. So a MAC that starts with its
-- last value begins with its first one. An address begins so by itself: its "start" is not used.
local function range(field, first, step, last)
	pktgen.range[field](OUT, "start", last)
	pktgen.range[field](OUT, "inc", step)
	pktgen.range[field](OUT, "min", first)
	pktgen.range[field](OUT, "max", last)
end

run.guarded(function()
	-- 64 ends and a number of source ports that shares no divisor with 64 make 64 times as many
	-- flows; an end's MAC and address stay together.
	local flows = run.setting("SLUICE_FLOWS", "1k")
	local ports = ({["1k"] = 17, ["16k"] = 257})[flows]
	if ports == nil then
		error("SLUICE_FLOWS is 1k or 16k, not " .. flows, 0)
	end
	local mtu = run.number("SLUICE_UNDERLAY_MTU", "1500", 576, 9000)
	local size = run.number("SLUICE_SIZE", "64", 64, math.min(LONGEST, mtu - VXLAN + ETHERNET),
		"with the outer headers a longer frame is beyond the underlay's MTU of " .. mtu
		.. ", and Pktgen sends none beyond " .. LONGEST)

	range("src_mac", "02:01:00:00:00:00", "00:00:00:00:00:01", "02:01:00:00:00:3f")
	range("dst_mac", "02:02:00:00:00:00", "00:00:00:00:00:01", "02:02:00:00:00:3f")
	range("src_ip", "10.1.0.1", "0.0.0.1", "10.1.0.64")
	range("dst_ip", "10.2.0.1", "0.0.0.1", "10.2.0.64")
	range("src_port", 10000, 1, 10000 + ports - 1)
	range("dst_port", 80, 0, 80)
	range("pkt_size", size, 0, size)
	pktgen.range.ip_proto(OUT, "udp")
	pktgen.set_range(OUT, "on")
	local found = run.traffic(OUT, BACK)
	table.insert(found, 1, {"flows", 64 * ports})
	table.insert(found, 2, {"size", size})
	return found
end)
