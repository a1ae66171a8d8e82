-- SPDX-License-Identifier: BSD-3-Clause
-- Pktgen-DPDK 23.03.0 as far as the scripts of configs/pktgen see it: runs one of them, and prints
-- the first frames that Pktgen would send. Ports are up at once, and all that is sent comes back.
--
-- Usage: lua pktgen_stub.lua SCRIPT FRAMES
-- Environment:
--   STUB_LINK=down    a link that never comes up
--   STUB_MOST         packets a second at 100 percent
--   STUB_BACK=stuck   the sender sends half of what it was asked for, and hangs

local script, wanted = arg[1], tonumber(arg[2])
local MOST_PPS = tonumber(os.getenv("STUB_MOST") or "10000000")
local HZ = 2000000000

local function mac_number(text)
	return tonumber((text:gsub(":", "")), 16)
end

local function ip_number(text)
	local value = 0
	for part in text:gmatch("%d+") do
		value = value * 256 + tonumber(part)
	end
	return value
end

local function plain(value)
	return value
end

-- What each field of the range has before the first step. A MAC's is its "start"; an address or
-- port has what the port had without range mode, whatever its "start" is.
local FIELDS = {
	src_mac = {number = mac_number, starts = true}, dst_mac = {number = mac_number, starts = true},
	src_ip = {number = ip_number, now = ip_number("192.168.0.1")},
	dst_ip = {number = ip_number, now = ip_number("192.168.1.1")},
	src_port = {number = plain, now = 1234}, dst_port = {number = plain, now = 5678},
	pkt_size = {number = plain, now = 64},
}

local port = {[0] = {}, [1] = {}}
for _, state in pairs(port) do
	state.range, state.proto, state.rate, state.burst, state.cycles = {}, "tcp", 100, 64, 0
	state.sent, state.back, state.sending = 0, 0, false
	for name, field in pairs(FIELDS) do
		state.range[name] = {now = field.now, inc = 0}
	end
end

local function log(...)
	print("stub", ...)
end

pktgen = {range = {}}

for name, field in pairs(FIELDS) do
	pktgen.range[name] = function(id, what, value)
		local range = port[tonumber(id)].range[name]
		assert(what == "start" or what == "inc" or what == "min" or what == "max", what)
		range[what] = field.number(value)
		if what == "start" and field.starts then
			range.now = range[what]
		end
	end
end

function pktgen.range.ip_proto(id, what)
	port[tonumber(id)].proto = what
end

-- That of packets without range mode, which range mode does not look at.
function pktgen.set_proto() end

function pktgen.set_range(id, state)
	port[tonumber(id)].mode = state == "on" and "range" or nil
end

function pktgen.pcap(id, state)
	port[tonumber(id)].mode = state == "on" and "pcap" or nil
end

function pktgen.set(id, what, value)
	local state = port[tonumber(id)]
	if what == "rate" then
		state.rate = value
		state.cycles = math.floor(HZ / (MOST_PPS * value / 100)) * state.burst
	else
		assert(what == "count" or what == "burst" or what == "cycles", what)
		state[what] = value
	end
end

function pktgen.screen(state)
	log("screen", state)
end

function pktgen.delay() end

function pktgen.linkState()
	local up = os.getenv("STUB_LINK") ~= "down"
	return {[0] = "<UP-10000-FD>", [1] = up and "<UP-10000-FD>" or "<--Down-->", n = 2}
end

function pktgen.portInfo(id)
	local state = port[tonumber(id)]
	return {[tonumber(id)] = {info = {tx_debug = {
		tx_pps = math.floor(MOST_PPS * state.rate / 100), tx_cycles = state.cycles}}}}
end

function pktgen.portStats()
	local found = {n = 2}
	for id, state in pairs(port) do
		found[id] = {opackets = state.sent, ipackets = state.back, oerrors = 0, ierrors = 0,
			imissed = 0, rx_nombuf = 0}
	end
	return found
end

function pktgen.isSending(id)
	return {[tonumber(id)] = port[tonumber(id)].sending and "y" or "n"}
end

local function step(range)
	if range.inc == 0 then
		range.now = range.start or range.now
		return
	end
	range.now = range.now + range.inc
	if range.now < range.min then
		range.now = range.max
	elseif range.now > range.max then
		range.now = range.min
	end
end

function pktgen.start(id)
	local state = port[tonumber(id)]
	local stuck = os.getenv("STUB_BACK") == "stuck"
	state.sent = stuck and state.count // 2 or state.count
	state.sending = stuck
	port[1 - tonumber(id)].back = state.sent
	log("start", id, state.mode, state.count, state.rate, state.cycles,
		port[1 - tonumber(id)].cycles)
	for _ = 1, state.mode == "range" and wanted or 0 do
		local words = {}
		for _, name in ipairs({"src_mac", "dst_mac", "src_ip", "dst_ip", "src_port", "dst_port",
			"pkt_size"}) do
			step(state.range[name])
			table.insert(words, state.range[name].now)
		end
		print("frame", state.proto, table.unpack(words))
	end
end

function pktgen.quit()
	log("quit")
end

function os.exit(status)
	log("exit", status)
end

dofile(script)
