/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the kernel's stack deaf on an interface. Packet sockets and AF_XDP take packets before this.
 * A filter of one instruction drops the rest: tc(8) would write it as
 *   tc qdisc add dev IF clsact; tc filter add dev IF ingress prio 1 matchall action drop
 * The program is in BPF, which more kernels have than matchall. It has a handle that no other program
 * takes by itself: filters of others may have the same priority, and stay when this one goes. The
 * kernel asks the newest one first.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rtnl_impl.h"

#define PRIORITY 1
#define HANDLE	 0x51ce		   /* tools/host-fallback has it, too */
#define NAME	 "sluice host_tap" /* tc filter show */

/* A descriptor of the program "return TC_ACT_SHOT", or -errno. */
static int load(void)
{
	static const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr a;
	long fd;

	memset(&a, 0, sizeof(a));
	a.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	a.insns = (uintptr_t)code;
	a.insn_cnt = sizeof(code) / sizeof(code[0]);
	a.license = (uintptr_t) "BSD";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
	return fd < 0 ? -errno : (int)fd;
}

static struct tcmsg *begin_tc(struct sl_rtnl_request *q, uint16_t type, uint16_t flags, int ifindex)
{
	struct tcmsg *tc = sl_rtnl_begin(q, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	return tc;
}

static int add_queue(struct sl_rtnl *r, int ifindex)
{
	struct sl_rtnl_request q;
	struct tcmsg *tc = begin_tc(&q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	int ret;

	tc->tcm_parent = TC_H_CLSACT;
	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(q.h, TCA_KIND, "clsact");
	ret = sl_rtnl_exchange(r, &q, NULL, NULL);
	return ret == -EEXIST ? 0 : ret;
}

static void fill_filter(struct tcmsg *tc)
{
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	tc->tcm_handle = HANDLE;
	tc->tcm_info = TC_H_MAKE(PRIORITY << 16, __builtin_bswap16(ETH_P_ALL));
}

static int add_filter(struct sl_rtnl *r, int ifindex, int program)
{
	struct sl_rtnl_request q;
	struct nlattr *options;

	fill_filter(begin_tc(&q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, ifindex));
	mnl_attr_put_strz(q.h, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(q.h, TCA_OPTIONS);
	mnl_attr_put_u32(q.h, TCA_BPF_FD, (uint32_t)program);
	mnl_attr_put_strz(q.h, TCA_BPF_NAME, NAME);
	mnl_attr_put_u32(q.h, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(q.h, options);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

int sl_rtnl_mute(struct sl_rtnl *r, int ifindex)
{
	int program = load(), ret;

	if (program < 0)
		return program;
	ret = add_queue(r, ifindex);
	if (ret == 0)
		ret = add_filter(r, ifindex, program);
	close(program);
	return ret == -EEXIST ? 0 : ret;
}

int sl_rtnl_unmute(struct sl_rtnl *r, int ifindex)
{
	struct sl_rtnl_request q;

	fill_filter(begin_tc(&q, RTM_DELTFILTER, 0, ifindex));
	mnl_attr_put_strz(q.h, TCA_KIND, "bpf");
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}
