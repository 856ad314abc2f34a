/* Lists of actions (dp.h) -> programs that the XDP program runs (maps.h).
 *
 * A program is edits, then one way out: a list that sends the packet, changes it and sends it again has none, nor has
 * one with an action for the controller (-EOPNOTSUPP).  The actions before a DP_SELECT are copied into each bucket's
 * program, because a bucket is chosen by the key as it was parsed.  Times to live are looked at before anything is
 * changed, since a packet whose time is over goes to userspace as it came.
 */
#include "object.h"

#include <errno.h>
#include <string.h>

#include "actions.h"

#define HEADER_SIZE_MAX 0x1fff /* offsets in a header; far below what ctx/xdp.h lets through */

/* A program in the making. */
struct draft {
	struct translation *t;
	struct xdp_program program;
	struct xdp_set outputs; /* in order; slots unused */
	__u8 output_flags[XDP_SET_PORTS];
	int edited; /* changed after an output */
};

static int covers(const struct dp_action *set, const struct dp_action *ttl)
{
	return set->op == DP_SET && set->header == ttl->header && ttl->arg >= set->arg &&
	       ttl->arg < set->arg + set->size;
}

/* Note the byte that a DP_DEC_TTL decrements among those looked at first. */
static int draft_ttl(struct draft *draft, const struct dp_action *action)
{
	struct xdp_program *program = &draft->program;
	__u32 i;

	for (i = 0; i < program->n_edits; i++)
		if (covers(&program->edits[i], action))
			return -EOPNOTSUPP;
	for (i = 0; i < program->n_ttls; i++) {
		if (program->ttls[i].header == action->header && program->ttls[i].offset == action->arg) {
			program->ttls[i].least++;
			return 0;
		}
	}
	if (i == XDP_N_TTLS)
		return -EOPNOTSUPP;
	program->ttls[i] = (struct xdp_ttl){.header = action->header, .least = 2, .offset = (__u16)action->arg};
	program->n_ttls++;
	return 0;
}

static int draft_edit(struct draft *draft, const struct dp_action *action)
{
	struct xdp_program *program = &draft->program;
	int err;

	if (action->arg > HEADER_SIZE_MAX || (action->op == DP_SET && (action->size < 1 || action->size > 8)))
		return -EINVAL;
	if (draft->outputs.n_ports) {
		draft->edited = 1;
		return action->op == DP_DEC_TTL ? -EOPNOTSUPP : 0;
	}
	if (action->op == DP_DEC_TTL && action->flags & DP_F_GO_ON)
		return -EOPNOTSUPP;
	if (program->n_edits == XDP_N_EDITS)
		return -EOPNOTSUPP;
	if (action->op == DP_DEC_TTL) {
		err = draft_ttl(draft, action);
		if (err)
			return err;
	}
	program->edits[program->n_edits++] = *action;
	return 0;
}

static int draft_output(struct draft *draft, const struct dp_action *action)
{
	struct xdp_set *outputs = &draft->outputs;
	__u32 i;

	if (!action->arg || action->arg >= DP_PORTS_MAX)
		return -EINVAL;
	if (draft->edited)
		return -EOPNOTSUPP;
	if (action->arg == draft->t->in_port && !(action->flags & DP_F_IN_PORT))
		return 0;
	for (i = 0; i < outputs->n_ports; i++)
		if (outputs->ports[i] == action->arg)
			return -EOPNOTSUPP; /* twice the same */
	if (outputs->n_ports == XDP_SET_PORTS)
		return -EOPNOTSUPP;
	draft->output_flags[outputs->n_ports] = action->flags & DP_F_IN_PORT;
	outputs->ports[outputs->n_ports++] = action->arg;
	return 0;
}

static int draft_actions(struct draft *draft, const struct dp_action *actions, __u32 n)
{
	__u32 i;
	int err;

	for (i = 0; i < n; i++) {
		switch (actions[i].op) {
		case DP_SET:
		case DP_DEC_TTL:
		case DP_CSUM:
			err = draft_edit(draft, &actions[i]);
			break;
		case DP_OUTPUT:
			err = draft_output(draft, &actions[i]);
			break;
		case DP_CONTROLLER:
			err = -EOPNOTSUPP;
			break;
		default:
			err = -EINVAL;
		}
		if (err)
			return err;
	}
	return 0;
}

static void sort_ports(struct xdp_set *set)
{
	__u32 i, j, port;

	for (i = 1; i < set->n_ports; i++) {
		port = set->ports[i];
		for (j = i; j > 0 && set->ports[j - 1] > port; j--)
			set->ports[j] = set->ports[j - 1];
		set->ports[j] = port;
	}
}

/* May the packet go back where it came from?  -EOPNOTSUPP if some of the outputs say so and others not, unless the flow
 * has one input port: draft_output() has then left out what must not be. */
static int draft_back(const struct draft *draft)
{
	__u32 i;

	if (draft->t->in_port)
		return 1;
	for (i = 1; i < draft->outputs.n_ports; i++)
		if (draft->output_flags[i] != draft->output_flags[0])
			return -EOPNOTSUPP;
	return draft->output_flags[0] != 0;
}

/* Fill in the way out; a set is taken. */
static int draft_out(struct draft *draft)
{
	struct xdp_program *program = &draft->program;
	struct xdp_set *outputs = &draft->outputs;
	struct translation *t = draft->t;
	int back = draft_back(draft), err = 0;
	__u32 i;

	if (!outputs->n_ports)
		return 0;
	if (back < 0)
		return back;
	program->back = (__u8)back;
	sort_ports(outputs);
	for (i = 0; i < outputs->n_ports && !err; i++)
		err = t->slot(t->owner, outputs->ports[i], &outputs->slots[i]);
	if (err)
		return err;
	if (outputs->n_ports == 1) {
		program->out = XDP_OUT_PORT;
		program->port = outputs->ports[0];
		program->slot = outputs->slots[0];
		return 0;
	}
	program->out = XDP_OUT_SET;
	return set_get(t->object, t->bridge, outputs, &program->slot);
}

static void program_put(struct xdp_object *object, __u32 id)
{
	struct xdp_program program = *(struct xdp_program *)(object->programs.entries + id * sizeof(program));

	if (id && intern_put(&object->programs, id) && program.out == XDP_OUT_SET)
		set_put(object, program.slot);
}

/* The program of a list made of two parts, without DP_SELECT. */
static int program_get(struct translation *t, const struct dp_action *first, __u32 n_first,
		       const struct dp_action *second, __u32 n_second, __u32 *id)
{
	struct draft draft = {.t = t};
	int err;

	err = draft_actions(&draft, first, n_first);
	if (!err)
		err = draft_actions(&draft, second, n_second);
	if (!err)
		err = draft_out(&draft);
	if (err)
		return err;
	err = intern_get(t->object, &t->object->programs, &draft.program, id);
	/* An entry that was there has its set already. */
	if (draft.program.out == XDP_OUT_SET && (err || t->object->programs.refs[*id] > 1))
		set_put(t->object, draft.program.slot);
	return err;
}

static void buckets_put(struct xdp_object *object, const struct xdp_select *select)
{
	__u32 i;

	for (i = 0; i < select->n_buckets; i++)
		program_put(object, select->programs[i]);
}

/* The buckets behind a DP_SELECT, each with the `n_prefix` actions of `prefix` before its own. */
static int buckets_get(struct translation *t, const struct dp_action *prefix, __u32 n_prefix,
		       const struct dp_action *end, struct xdp_select *select)
{
	const struct dp_action *bucket = prefix + n_prefix + 1;
	__u32 n = prefix[n_prefix].size, i;
	int err;

	if (n > XDP_N_BUCKETS)
		return -EOPNOTSUPP;
	for (i = 0; i < n; i++, bucket += 1 + bucket->arg) {
		if (bucket >= end || bucket->op != DP_BUCKET || bucket->arg >= (__u32)(end - bucket))
			return -EINVAL;
		err = program_get(t, prefix, n_prefix, bucket + 1, bucket->arg, &select->programs[i]);
		if (err)
			return err;
		select->n_buckets = i + 1;
		if (select->total + act_weight(bucket) < select->total)
			return -EINVAL;
		select->total += act_weight(bucket);
		select->upto[i] = select->total;
	}
	return 0;
}

static int select_get(struct translation *t, const struct dp_action *actions, __u32 n_prefix, __u32 n_actions,
		      __u32 *program)
{
	struct xdp_object *object = t->object;
	struct xdp_select select = {0};
	__u32 id;
	int err;

	err = t->hash(t->owner, actions[n_prefix].arg, &select.hash);
	if (!err)
		err = buckets_get(t, actions, n_prefix, actions + n_actions, &select);
	if (!err)
		err = intern_get(object, &object->selects, &select, &id);
	/* An entry that was there has its programs already. */
	if (err || object->selects.refs[id] > 1)
		buckets_put(object, &select);
	if (!err)
		*program = id | XDP_SELECT;
	return err;
}

int translate(struct translation *t, const struct dp_action *actions, __u32 n_actions, __u32 *program)
{
	__u32 i;

	for (i = 0; i < n_actions; i++)
		if (actions[i].op == DP_SELECT)
			return select_get(t, actions, i, n_actions, program);
	return program_get(t, actions, n_actions, NULL, 0, program);
}

void translation_put(struct xdp_object *object, __u32 program)
{
	__u32 id = program & ~XDP_SELECT;
	struct xdp_select select;

	if (!(program & XDP_SELECT)) {
		program_put(object, id);
		return;
	}
	select = *(struct xdp_select *)(object->selects.entries + id * sizeof(select));
	if (intern_put(&object->selects, id))
		buckets_put(object, &select);
}
