/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All metrics, one row each, by group. To add a metric, add its row here. If it needs a value that
 * its group does not read yet, add that to the group's `read` in metrics.c. stats.get, drops.list,
 * rpc.discover, docs/rpc.md and exporters are made from these rows.
 *
 * A row: X(struct, name, type, kind, unit, reader, help).
 *   type    U64, REAL or FLAG: how an instance holds it
 *   kind    COUNTER: only grows while the daemon runs; GAUGE: goes up and down
 *   unit    sl_metric_units in metrics.c
 *   reader  an expression; v is what the group has read for the instance (metrics.c)
 */
#ifndef SL_CTRL_WATCH_METRICS_LIST_H
#define SL_CTRL_WATCH_METRICS_LIST_H

/* clang-format off */

/* All packets of the node. One instance. */
#define SL_METRICS_TOTALS(X, st) \
	X(st, received, U64, COUNTER, PACKETS, v->received, "Packets taken from receive queues.") \
	X(st, generated, U64, COUNTER, PACKETS, v->generated, \
		"Packets made by sluice: ARP, ICMP, answers. Also packets taken back from a " \
		"port that had not sent them (tx_recalled).") \
	X(st, sent, U64, COUNTER, PACKETS, v->sent, "Packets accepted by transmit queues.") \
	X(st, dropped, U64, COUNTER, PACKETS, v->dropped, "Packets dropped, for whatever reason.") \
	X(st, consumed, U64, COUNTER, PACKETS, v->consumed, "Packets served here.")

/* Label: name, the port. */
#define SL_METRICS_PORTS(X, st) \
	X(st, rx_packets, U64, COUNTER, PACKETS, v->n.rx_packets, "Packets received.") \
	X(st, rx_bytes, U64, COUNTER, BYTES, v->n.rx_bytes, "Bytes received, without checksum.") \
	X(st, tx_packets, U64, COUNTER, PACKETS, v->n.tx_packets, "Packets sent.") \
	X(st, tx_bytes, U64, COUNTER, BYTES, v->n.tx_bytes, "Bytes sent, without checksum.") \
	X(st, rx_missed, U64, COUNTER, PACKETS, v->info.rx_missed, \
		"Packets lost between the device and a worker, each counted once. Packets that " \
		"the other end or the kernel has lost are counted there: see the guide.") \
	X(st, tx_dropped, U64, COUNTER, PACKETS, v->n.tx_dropped, \
		"Packets for this port that did not leave by it.") \
	X(st, tx_recalled, U64, COUNTER, PACKETS, v->n.tx_recalled, \
		"Of tx_dropped, those that count in tx_packets as well: the transmit queue had " \
		"accepted them, and they were thrown away before they left.") \
	X(st, dropped, U64, COUNTER, PACKETS, v->dropped, \
		"Packets dropped that entered by this port, or (tx_dropped) could not leave by it; " \
		"drops.list with this port says why.") \
	X(st, rx_errors, U64, COUNTER, PACKETS, v->info.rx_errors, \
		"Frames that the device or its driver refused: damaged, or larger than a buffer.") \
	X(st, rx_no_buffer, U64, COUNTER, EVENTS, v->info.rx_no_buffer, \
		"Times that its driver found no free buffer to receive into. Drivers of kernel " \
		"sockets, memif and vhost do not count that: see starved.") \
	X(st, starved, FLAG, GAUGE, NONE, v->info.buffers.starved, \
		"All buffers of its pool are in use, so it receives almost nothing.")

/* Labels: pool, whose it is; name, the port, if it is one port's. */
#define SL_METRICS_BUFFERS(X, st) \
	X(st, total, U64, GAUGE, BUFFERS, v->n, "Packet buffers of the pool.") \
	X(st, free, U64, GAUGE, BUFFERS, v->n_free, \
		"Those that are free. The others are in receive queues, in transmit queues of other " \
		"ports, or wait for a next hop.") \
	X(st, dry, U64, COUNTER, EVENTS, v->n_dry, \
		"Times, of ten a second, that fewer buffers were free than a burst needs. It grows " \
		"while packets are lost for want of buffers, whether the driver counts them or not.") \
	X(st, failed, U64, COUNTER, EVENTS, v->n_failed, \
		"Times that a buffer was wanted and none was free, where that can be known: see " \
		"rx_no_buffer of ports.")

/* Label: core, the CPU of a worker. */
#define SL_METRICS_WORKERS(X, st) \
	X(st, packets, U64, COUNTER, PACKETS, sl_counter_read(&v->worker->counters.received), \
		"Packets it has received.") \
	X(st, cycles_per_packet, REAL, GAUGE, CYCLES, v->load->cycles_per_packet, \
		"TSC cycles a packet over the last second, receive and transmit included.") \
	X(st, busy_percent, REAL, GAUGE, PERCENT, v->load->busy_percent, \
		"Share of the last second spent on packets.")

/* The flow table. One instance. */
#define SL_METRICS_FLOWS(X, st) \
	X(st, used, U64, GAUGE, ENTRIES, sl_flow_table_used(v->table), \
		"Entries in use, two a connection.") \
	X(st, capacity, U64, GAUGE, ENTRIES, sl_flow_table_capacity(v->table), \
		"Entries there is room for.") \
	X(st, bytes, U64, GAUGE, BYTES, sl_flow_table_bytes(v->table), \
		"Memory of the flow table, all parts of it.") \
	X(st, aged, U64, COUNTER, CONNECTIONS, v->stats.aged, \
		"Connections removed for being idle or closed.") \
	X(st, full, U64, COUNTER, CONNECTIONS, v->stats.table_full, \
		"New connections refused because the table was full.") \
	X(st, over_share, U64, COUNTER, CONNECTIONS, v->stats.over_share, \
		"New connections refused because the opener had used its share of a table that was " \
		"nearly full.") \
	X(st, reserve, U64, GAUGE, ENTRIES, 2 * (uint64_t)sl_flow_share_reserve(v->table), \
		"With this many entries free, or fewer, only owners below their shares can open " \
		"connections.") \
	X(st, translated, U64, COUNTER, CONNECTIONS, v->translated, \
		"Connections to the world that got a translated source.") \
	X(st, nat_exhausted, U64, COUNTER, CONNECTIONS, v->nat_exhausted, \
		"Attempts at such connections that found no free port.") \
	X(st, samples_lost, U64, COUNTER, SAMPLES, v->samples_lost, \
		"Samples for drops.recent lost because their ring was full.")

/* Announcements of changed endpoints to workloads. One instance. */
#define SL_METRICS_ANNOUNCEMENTS(X, st) \
	X(st, sent, U64, COUNTER, PACKETS, v->sent, \
		"Frames sent to tell workloads an endpoint's new MAC or place.") \
	X(st, waiting, U64, GAUGE, ENDPOINTS, v->waiting, \
		"Endpoints that are still to be announced.")

/* The control thread's loop. One instance. */
#define SL_METRICS_CONTROL(X, st) \
	X(st, turns, U64, COUNTER, TURNS, v->n, "Turns of its loop.") \
	X(st, turns_over_1ms, U64, COUNTER, TURNS, v->over_1ms, \
		"Turns that took more than 1 ms of CPU time.") \
	X(st, turns_over_10ms, U64, COUNTER, TURNS, v->over_10ms, "More than 10 ms.") \
	X(st, turns_over_100ms, U64, COUNTER, TURNS, v->over_100ms, "More than 100 ms.") \
	X(st, turn_ms_max, REAL, GAUGE, MILLISECONDS, (double)v->max_ns / 1e6, \
		"The longest, in ms of CPU time.")

/* Labels: reason; of port_drops, port as well. */
#define SL_METRICS_DROPS(X, st) \
	X(st, count, U64, COUNTER, PACKETS, v->count, "Packets dropped for it since the start.")

/* clang-format on */

#endif
