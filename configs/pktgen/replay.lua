-- SPDX-License-Identifier: BSD-3-Clause
-- Pktgen-DPDK: a file (pktgen -s 1:FILE) from port 1 to port 0 through sluice, for decapsulation.
-- See docs/pktgen.md. Settings as for encap.lua, without SLUICE_FLOWS and SLUICE_SIZE.

local seconds = tonumber(os.getenv("SLUICE_SECONDS") or "10")
local rate = tonumber(os.getenv("SLUICE_RATE") or "100")
local result = os.getenv("SLUICE_RESULT")
local out, back = "1", "0"

pktgen.set(out, "count", 0)
pktgen.set(out, "burst", 64)
pktgen.set(out, "rate", rate)
pktgen.pcap(out, "on")

local function counters()
	local stats = pktgen.portStats("all", "port")
	return stats[tonumber(out)].opackets, stats[tonumber(back)].ipackets
end

pktgen.start(out)
pktgen.delay(2000)
local sent_before, back_before = counters()
pktgen.delay(seconds * 1000)
local sent, came_back = counters()
pktgen.stop(out)

sent, came_back = sent - sent_before, came_back - back_before
print(string.format("%.3f Mpps sent, %.3f Mpps back", sent / seconds / 1e6,
	came_back / seconds / 1e6))
if result ~= nil and result ~= "" then
	local file = assert(io.open(result, "w"))
	file:write(string.format('{"sent_pps": %.0f, "pps": %.0f}\n', sent / seconds,
		came_back / seconds))
	file:close()
end
pktgen.quit()
