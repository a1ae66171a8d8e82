-- SPDX-License-Identifier: BSD-3-Clause
-- Pktgen-DPDK: what encap.lua and replay.lua share. See docs/pktgen.md.
--
-- Settings come from the environment:
--   SLUICE_PPS       packets a second (default 100000)
--   SLUICE_SECONDS   for how long (default 10); SLUICE_PPS times SLUICE_SECONDS packets are sent
--   SLUICE_RESULT    file for the counts as JSON (default: they are only printed)
--
-- Pktgen stays at its prompt when a script fails. So all is done in run.guarded: what went wrong is
-- said like a result, and Pktgen ends.

local run = {}

local BURST = 64
local MOST = 4294967295 -- Pktgen keeps the number of packets in 32 bits
local LINK_SECONDS = 60
local STALL_SECONDS = 20

function run.setting(name, default)
	local value = os.getenv(name)
	if value == nil or value == "" then
		return default
	end
	return value
end

-- why: for the reader of the message, why there are no more than `most`.
function run.number(name, default, least, most, why)
	local text = run.setting(name, default)
	local value = math.tointeger(tonumber(text))
	if value == nil or value < least or value > most then
		error(string.format("%s is a whole number from %d to %d, not %s%s", name, least, most, text,
			why and " (" .. why .. ")" or ""), 0)
	end
	return value
end

local function counters(port)
	return pktgen.portStats("all", "port")[tonumber(port)]
end

-- The screen's thread is what looks at the links, so it stays on until both are up.
local function wait_for_links(ports)
	for _ = 1, LINK_SECONDS * 4 do
		local up, states = true, pktgen.linkState("all")
		for _, port in ipairs(ports) do
			up = up and states[tonumber(port)]:find("UP") ~= nil
		end
		if up then
			return
		end
		pktgen.delay(250)
	end
	error(string.format("a link is still down after %d seconds: is sluice running with the "
		.. "configuration of this pair?", LINK_SECONDS), 0)
end

-- Pktgen takes percents of a link's speed, which virtual devices make up. It tells how many packets
-- a second it takes 100 of them for. An lcore that serves several ports goes by the first one's
-- clock, so both are given the sender's.
local function set_rate(out, back, pps)
	local function debug_info()
		return pktgen.portInfo(out)[tonumber(out)].info.tx_debug
	end
	pktgen.set(out, "burst", BURST)
	pktgen.set(out, "rate", 100)
	local most = debug_info().tx_pps
	if pps > most then
		error(string.format("SLUICE_PPS is %d at most on this port: that is what Pktgen takes for "
			.. "the speed of its link", most), 0)
	end
	pktgen.set(out, "rate", 100 * pps / most)
	pktgen.set(back, "cycles", debug_info().tx_cycles)
end

-- Wait until the sender is done and nothing comes back any more. Pktgen looks at its counters once
-- a second. While packets go or come there is no hurry.
local function wait_for_end(out, back)
	local quiet, last = 0, -1
	while quiet < 4 or pktgen.isSending(out)[tonumber(out)] == "y" do
		pktgen.delay(1000)
		local now = counters(out).opackets + counters(back).ipackets
		quiet = now == last and quiet + 1 or 0
		last = now
		if quiet > STALL_SECONDS then
			error(string.format("Pktgen has packets to send and nothing has moved for %d seconds: has "
				.. "sluice ended?", STALL_SECONDS), 0)
		end
	end
end

-- Send from one port, count what comes back at the other. Returns what is to be reported.
function run.traffic(out, back)
	local seconds = run.number("SLUICE_SECONDS", "10", 1, 86400)
	local pps = run.number("SLUICE_PPS", "100000", 1, MOST // seconds,
		"Pktgen counts to 4294967295 packets")

	wait_for_links({out, back})
	pktgen.screen("off")
	set_rate(out, back, pps)
	pktgen.set(out, "count", pps * seconds)
	pktgen.start(out)
	wait_for_end(out, back)
	local sent, came = counters(out), counters(back)
	return {
		{"asked", pps * seconds}, {"sent", sent.opackets}, {"send_errors", sent.oerrors},
		{"back", came.ipackets}, {"back_missed", came.imissed}, {"back_errors", came.ierrors},
		{"back_no_buffer", came.rx_nombuf},
	}
end

local function report(fields)
	local text, json = {}, {}
	for _, field in ipairs(fields) do
		local value = field[2]
		table.insert(text, string.format("%-15s%s", field[1], value))
		table.insert(json, string.format(type(value) == "string" and '"%s": %q' or '"%s": %s',
			field[1], value))
	end
	print("\n" .. table.concat(text, "\n"))
	local path = run.setting("SLUICE_RESULT", nil)
	if path ~= nil then
		local file = assert(io.open(path, "w"))
		file:write("{" .. table.concat(json, ", ") .. "}\n")
		file:close()
	end
end

-- body returns the fields to report. Pktgen's own end waits for its ports to be done, which they
-- never are where nobody takes the packets any more. So after a failure the process ends, with
-- status 1, and the terminal is put right as Pktgen would have.
function run.guarded(body)
	local good, found = pcall(body)
	if good then
		report(found)
		pktgen.quit()
		return
	end
	pktgen.screen("off")
	report({{"error", tostring(found)}})
	os.execute("test ! -t 0 || stty sane")
	os.exit(1)
end

return run
