/* SPDX-License-Identifier: BSD-3-Clause */
#include "rewritten.h"

#include "ctrl/shape/fields.h"

static const struct sl_field rewritten_fields[] = {
	SL_FIELD(sl_rewritten_out, network, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The network that they leave into; empty: the underlay."),
	SL_FIELD(sl_rewritten_out, source, SL_F_IP, .help = "Their source as they leave."),
	SL_FIELD(sl_rewritten_out, source_port, SL_F_UINT, .max = 65535,
		.help = "Its port; for ICMP echo the identifier."),
	SL_FIELD(
		sl_rewritten_out, destination, SL_F_IP, .help = "Their destination as they leave."),
	SL_FIELD(sl_rewritten_out, destination_port, SL_F_UINT, .max = 65535,
		.help = "The port there."),
};
const struct sl_shape sl_rewritten_shape = SL_SHAPE("rewritten", sl_rewritten_out, rewritten_fields,
	"What the opener's packets become. Replies to that come back as answers "
	"to what they were.");
