-- SPDX-License-Identifier: BSD-3-Clause
-- Pktgen-DPDK: packets from 64 workloads, port 0 to port 1 through sluice. See docs/pktgen.md.
--
-- Settings come from the environment:
--   SLUICE_FLOWS     1k (default) or 16k
--   SLUICE_SIZE      bytes of a frame with its checksum (default 64)
--   SLUICE_SECONDS   of measuring (default 10)
--   SLUICE_RATE      percent of the link (default 100)
--   SLUICE_RESULT    file for the figures as JSON (default: they are only printed)

local function setting(name, default)
	local value = os.getenv(name)
	if value == nil or value == "" then
		return default
	end
	return value
end

local flows = setting("SLUICE_FLOWS", "1k")
local size = tonumber(setting("SLUICE_SIZE", "64"))
local seconds = tonumber(setting("SLUICE_SECONDS", "10"))
local rate = tonumber(setting("SLUICE_RATE", "100"))
local result = setting("SLUICE_RESULT", nil)
local out, back = "0", "1"

-- All fields of a range step with each packet. 64 ends and a number of source ports that shares no
-- divisor with 64 make 64 times as many flows; an end's MAC and address stay together.
local ports = ({["1k"] = 17, ["16k"] = 257})[flows]
if ports == nil then
	error("SLUICE_FLOWS is 1k or 16k, not " .. flows)
end

local function range(field, start, step, last)
	pktgen.range[field](out, "start", start)
	pktgen.range[field](out, "inc", step)
	pktgen.range[field](out, "min", start)
	pktgen.range[field](out, "max", last)
end

range("src_mac", "02:01:00:00:00:00", "00:00:00:00:00:01", "02:01:00:00:00:3f")
range("dst_mac", "02:02:00:00:00:00", "00:00:00:00:00:01", "02:02:00:00:00:3f")
range("src_ip", "10.1.0.1", "0.0.0.1", "10.1.0.64")
range("dst_ip", "10.2.0.1", "0.0.0.1", "10.2.0.64")
range("src_port", 10000, 1, 10000 + ports - 1)
range("dst_port", 80, 0, 80)
range("pkt_size", size, 0, size)
pktgen.set_proto(out, "udp")
pktgen.set(out, "count", 0)
pktgen.set(out, "burst", 64)
pktgen.set(out, "rate", rate)
pktgen.set_range(out, "on")

local function counters()
	local stats = pktgen.portStats("all", "port")
	return stats[tonumber(out)].opackets, stats[tonumber(back)].ipackets
end

pktgen.start(out)
pktgen.delay(2000) -- every flow has been seen by then
local sent_before, back_before = counters()
pktgen.delay(seconds * 1000)
local sent, came_back = counters()
pktgen.stop(out)

sent, came_back = sent - sent_before, came_back - back_before
local lost = 0
if sent > 0 then
	lost = 100 * (1 - came_back / sent)
end
print(string.format("%s flows, %d bytes: %.3f Mpps sent, %.3f Mpps back, %.2f %% lost",
	flows, size, sent / seconds / 1e6, came_back / seconds / 1e6, lost))
if result ~= nil then
	local file = assert(io.open(result, "w"))
	file:write(string.format('{"flows": "%s", "size": %d, "sent_pps": %.0f, "pps": %.0f}\n',
		flows, size, sent / seconds, came_back / seconds))
	file:close()
end
pktgen.quit()
