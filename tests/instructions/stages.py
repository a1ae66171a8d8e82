# SPDX-License-Identifier: BSD-3-Clause
"""Which stage of a packet's trip a piece of code belongs to."""
import re

# In the order of the trip; what the driver does is not ours and not counted.
STAGES = ("receive", "parse", "decap", "lookup", "miss", "rewrite", "encap", "transmit", "pipeline", "timing", "other")
DRIVER = "driver"

# (path, function, stage): the first that matches any frame decides, innermost frame first. A frame that only
# names a helper (a header's inline function, say) has no rule here: its caller decides.
RULES = [(re.compile(path), re.compile(function + r"\Z"), stage) for path, function, stage in (
    (r"^tests/", r".*", DRIVER),
    (r"^dp/\w+/stages\.", r".*", "timing"),
    (r"^dp/\w+/worker\.[ch]", r"transmit|free_gone|sl_tx_\w+", "transmit"),
    (r"^dp/\w+/worker\.c", r"receive|drain_injects|turn|rest|sl_worker_main", "receive"),
    (r"^pipelines/parse/", r".*", "parse"),
    (r"^pipelines/overlay/", r"(\w+_)?pop(_\w+)?|sl_ecn_\w+|sl_decap\w*", "decap"),
    (r"^pipelines/overlay/decap\.c", r".*", "decap"),
    (r"^pipelines/overlay/", r"(\w+_)?push(_\w+)?|sl_encap\w*", "encap"),
    (r"^pipelines/overlay/encap\.c", r".*", "encap"),
    (r"^pipelines/flow/flow_(lookup\.c|plain\.h|hits\.[ch]|hint\.h)", r".*", "lookup"),
    (r"^pipelines/flow/flow_table\.c", r"sl_flow_(conn|counts|entry|index)", "lookup"),
    (r"^pipelines/flow/flow_rewrite\.c", r"sl_flow_(record|fits_two6|prefetch_record|two_key6)|load", "lookup"),
    (r"^pipelines/flow/\w+\.c", r".*", "miss"),
    (r"^pipelines/(flood|fragment|miss|policy|reply|way)/\w+\.c", r".*", "miss"),
    (r"^pipelines/stage/receive\.h", r"sl_stage_receive_underlay", "decap"),
    (r"^pipelines/stage/receive\.h", r"sl_stage_receive_access", "receive"),
    (r"^pipelines/stage/sort\.c", r".*", "parse"),
    (r"^pipelines/stage/lookup\.h", r".*", "lookup"),
    (r"^pipelines/stage/(execute|rewrite)\.[ch]", r".*", "rewrite"),
    (r"^pipelines/rewrite/", r".*", "rewrite"),
    (r"^pipelines/verdict/", r".*", "transmit"),
)]

# Where none of the frames has a rule.
FALLBACK = [(re.compile(path), stage) for path, stage in (
    (r"^pipelines/(pipeline\.c|context/|stage/)", "pipeline"),
    (r"^pipelines/overlay/", "encap"),
    (r"^dp/\w+/(pmap|rings|u32map)", "miss"),
)]


def stage_of(frames):
    """frames: [(function, path in the tree)], innermost first."""
    for function, path in frames:
        for file_rule, function_rule, stage in RULES:
            if file_rule.search(path) and function_rule.match(function):
                return stage
    for _, path in frames:
        for file_rule, stage in FALLBACK:
            if file_rule.search(path):
                return stage
    return "other"
