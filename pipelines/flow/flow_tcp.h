/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TCP flags that the connection tracker looks at, RFC 9293 section 3.1.
 * Threads: constants.
 */
#ifndef SL_FLOW_TCP_H
#define SL_FLOW_TCP_H

enum {
	SL_TCP_FIN = 0x01,
	SL_TCP_SYN = 0x02,
	SL_TCP_RST = 0x04,
	SL_TCP_ACK = 0x10,
};

#endif
