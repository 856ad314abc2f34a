/* The way of a packet through the user engine: parse, look up, run the actions.
 *
 * Packets go in batches, stage by stage, each stage fetching into the cache what the next will read: packet, then set
 * of microflows, then flow.  Actions run packet by packet, so that a flow which the first packet of a batch has set up
 * serves the second.
 *
 * The last output of a list takes the packet's frames along; each one before it gets a copy.  A jumbo frame takes several
 * frames: its headers are in the first, the others are only passed on.
 *
 * Fed by loop.h and by main.c's execute; the bridge's lock is held.
 */
#ifndef OVSP4_FORWARD_H
#define OVSP4_FORWARD_H

#include <arpa/inet.h>

#include "actions.h"
#include "engine.h"

static inline const __u64 *fwd_key(const struct fwd_item *item)
{
	return (const __u64 *)&item->key;
}

static inline void fwd_drop(struct engine *engine, struct fwd_item *item, enum drop_reason reason)
{
	engine->drops[reason]++;
	item->done = true;
}

static inline void fwd_parse(const struct engine *engine, struct fwd_item *item)
{
	memset(&item->key, 0, sizeof(item->key));
	item->key.in_port = htonl(item->in_port);
	item->key.bridge = htons((__u16)engine->config.bridge_id);
#ifdef N_VALUE_SETS
	item->packet.value_sets = &engine->value_sets;
#endif
	item->rejected = program_parse(&item->packet, &item->key, &item->result);
}

/* ------------------------------------------------------------------------------------------------ actions */
/* Copy a packet's parts into free frames, of which there are enough. */
static inline void fwd_copy(struct engine *engine, const struct fwd_item *item, struct part *copies)
{
	struct pool *pool = &engine->pool;
	const struct part *part;
	__u32 i;

	for (i = 0; i < item->n_parts; i++) {
		part = &item->parts[i];
		copies[i] = (struct part){pool_take(pool, OWNER_FREE), part->size};
		memcpy(pool_data(pool, copies[i].addr), pool_data(pool, part->addr), part->size);
	}
}

static inline void fwd_free(struct engine *engine, const struct part *parts, __u32 n)
{
	__u32 i;

	for (i = 0; i < n; i++)
		pool_put(&engine->pool, parts[i].addr);
}

/* The port that an output names, if it can send the packet; else the packet is dropped. */
static inline struct port *fwd_port(struct engine *engine, struct fwd_item *item, __u32 number)
{
	struct port *port = number < DP_PORTS_MAX ? engine->ports[number] : NULL;

	if (!port || !port->xsk || port->link_down || port->no_carrier) {
		if (port && port->xsk && port->link_down)
			engine_mark_dirty(engine, port); /* the kick says whether it is up again */
		fwd_drop(engine, item, DROP_BAD_PORT);
		return NULL;
	}
	if (item->n_parts > 1 && !port->takes_parts) {
		fwd_drop(engine, item, DROP_TOO_LONG);
		return NULL;
	}
	return port;
}

/* Send the packet itself (`last`) or a copy of it. */
static inline void fwd_output(struct engine *engine, struct fwd_item *item, const struct dp_action *action, bool last)
{
	const struct part *parts = item->parts;
	struct part copies[PARTS_MAX];
	struct port *port;

	if (action->arg == item->in_port && !(action->flags & DP_F_IN_PORT))
		return;
	port = fwd_port(engine, item, action->arg);
	if (!port)
		return;
	if (!last) {
		if (engine->pool.n_free < item->n_parts) {
			fwd_drop(engine, item, DROP_NO_BUFFER);
			return;
		}
		fwd_copy(engine, item, copies);
		parts = copies;
	}
	engine_mark_dirty(engine, port);
	if (port_queue(port, &engine->pool, parts, item->n_parts)) {
		item->held = item->held && !last;
		item->done = true;
		return;
	}
	if (!last)
		fwd_free(engine, copies, item->n_parts);
	fwd_drop(engine, item, DROP_TX_FULL);
}

/* Returns what the slow path says: the number of actions, or a negative errno. */
static inline int fwd_upcall(struct engine *engine, struct fwd_item *item, enum dp_upcall_reason reason, __u32 max_size,
			     const struct dp_action **actions)
{
	const struct dp_upcall upcall = {
	    .reason = reason,
	    .in_port = item->in_port,
	    .packet = item->packet.data,
	    .size = pkt_length(&item->packet),
	    .max_size = max_size,
	    .n_data = pkt_size(&item->packet),
	    .key = &item->key,
	};

	if (!engine->upcall)
		return -ENOTCONN;
	engine->n_upcalls++;
	return engine->upcall(engine->slow_path, &upcall, actions);
}

/* The bucket that a DP_SELECT picks; NULL if the list is malformed or the mask unknown. */
static inline const struct dp_action *fwd_select(const struct engine *engine, const struct fwd_item *item,
						 const struct dp_action *select, const struct dp_action *end)
{
	const __u64 *mask = select->arg < HASH_MASKS_MAX ? engine->hash_masks[select->arg] : NULL;

	return mask ? act_bucket(select, end, hash_key(fwd_key(item), mask, KEY_WORDS)) : NULL;
}

/* Run an edit; false if the list ends here. */
static inline bool fwd_edit(struct engine *engine, struct fwd_item *item, const struct dp_action *action,
			    struct act_state *state)
{
	__u32 header = action->header < N_HEADERS ? item->result.hdr_off[action->header] : HDR_ABSENT;
	const struct dp_action *none;

	switch (act_edit(&item->packet, header, action, state)) {
	case ACT_NEXT:
		return true;
	case ACT_TTL:
		fwd_upcall(engine, item, DP_UP_TTL, pkt_size(&item->packet), &none);
		fwd_drop(engine, item, DROP_TTL);
		return action->flags & DP_F_GO_ON;
	default:
		fwd_drop(engine, item, DROP_BAD_ACTION);
		return false;
	}
}

/* Run a list of actions.  The packet's frame is freed if no output took it. */
static inline void fwd_run(struct engine *engine, struct fwd_item *item, const struct dp_action *actions,
			   __u32 n_actions)
{
	const struct dp_action *action, *end = actions + n_actions, *none;
	struct act_state state = {0};

	for (action = actions; action < end; action++) {
		if (action->op == DP_OUTPUT) {
			fwd_output(engine, item, action, action + 1 == end);
		} else if (action->op == DP_SELECT) {
			action = fwd_select(engine, item, action, end);
			if (!action) {
				fwd_drop(engine, item, DROP_BAD_ACTION);
				break;
			}
			end = action + 1 + action->arg;
		} else if (action->op == DP_CONTROLLER) {
			fwd_upcall(engine, item, DP_UP_CONTROLLER, action->arg, &none);
			item->done = true;
		} else if (!fwd_edit(engine, item, action, &state)) {
			break;
		}
	}
	if (!item->done)
		fwd_drop(engine, item, DROP_NO_ACTION);
}

/* ------------------------------------------------------------------------------------------------ batches */
static inline void fwd_finish(struct engine *engine, struct fwd_item *item)
{
	if (item->held)
		fwd_free(engine, item->parts, item->n_parts);
}

/* Look the packet up and do what is to be done with it. */
static inline void fwd_item(struct engine *engine, struct fwd_item *item)
{
	const struct dp_action *actions = NULL;
	struct mf_flow *flow;
	int n_actions;

	if (item->rejected) {
		engine->errors[item->result.error & 255]++;
		if (!engine->config.on_reject_continue) {
			fwd_drop(engine, item, DROP_PARSER_REJECT);
			return;
		}
	}
	flow = mf_lookup(&engine->cache, fwd_key(item), item->hash, item->hint);
	if (flow) {
		flow->n_packets++;
		flow->n_bytes += pkt_length(&item->packet);
		fwd_run(engine, item, flow->actions, flow->n_actions);
		return;
	}
	n_actions = fwd_upcall(engine, item, DP_UP_MISS, 0, &actions);
	if (n_actions < 0)
		fwd_drop(engine, item, DROP_MISS);
	else
		fwd_run(engine, item, actions, (__u32)n_actions);
}

/* Take the packet at `idx` of the port's rx ring into an item; returns how many descriptors it has.  If there are not as
 * many frames as it has parts to fill in for them (`n_filled`), or if it is too long, it is dropped. */
static inline __u32 fwd_take_one(struct engine *engine, struct port *port, __u32 idx, __u32 n_filled, __u32 *n_items)
{
	struct fwd_item *item = &engine->items[*n_items];
	const struct xdp_desc *desc;
	__u32 n = 0, size = 0, i;

	do {
		desc = xsk_ring_cons__rx_desc(&port->rx, idx + n);
		if (n < PARTS_MAX)
			item->parts[n] = (struct part){desc->addr, desc->len};
		size += desc->len;
		n++;
	} while (desc->options & XDP_PKT_CONTD);
	port->received.n_packets++;
	port->received.n_bytes += size;
	if (n > PARTS_MAX || size > DP_PACKET_MAX || n > n_filled) {
		engine->drops[n > n_filled ? DROP_NO_BUFFER : DROP_TOO_LONG]++;
		for (i = 0; i < n; i++)
			pool_put(&engine->pool, xsk_ring_cons__rx_desc(&port->rx, idx + i)->addr);
		return n;
	}
	item->n_parts = n;
	item->packet.data = pool_data(&engine->pool, item->parts[0].addr);
	item->packet.data_end = item->packet.data + item->parts[0].size;
	item->packet.rest = size - item->parts[0].size;
	__builtin_prefetch(item->packet.data);
	++*n_items;
	return n;
}

/* Take up to a batch of packets from the port's rx ring into `items`, each against frames for its fill ring.  Returns
 * how many frames were taken; `n_items` is how many packets are not dropped. */
static inline __u32 fwd_take(struct engine *engine, struct port *port, __u32 *n_items)
{
	__u32 i, idx, n, n_peeked, n_filled;

	*n_items = 0;
	n = n_peeked = xsk_ring_cons__peek(&port->rx, BATCH_SIZE, &idx);
	while (n && xsk_ring_cons__rx_desc(&port->rx, idx + n - 1)->options & XDP_PKT_CONTD)
		n--; /* the batch ends within a packet */
	xsk_ring_cons__cancel(&port->rx, n_peeked - n);
	if (!n)
		return 0;
	port->n_rx -= n; /* the frames in hand; those that are filled in stand for them */
	n_filled = port_fill(port, &engine->pool, n);
	for (i = 0; i < n;)
		i += fwd_take_one(engine, port, idx + i, i < n_filled ? n_filled - i : 0, n_items);
	xsk_ring_cons__release(&port->rx, n);
	port_fill(port, &engine->pool, n - n_filled); /* with the frames just dropped */
	return n;
}

/* Forward one batch from a port; returns the number of frames taken.  They leave at the next engine_flush(). */
static inline __u32 fwd_batch(struct engine *engine, struct port *port)
{
	struct fwd_item *item, *items = engine->items;
	__u32 i, n_items, n = fwd_take(engine, port, &n_items);

	for (i = 0; i < n_items; i++) {
		item = &items[i];
		item->in_port = port->number;
		item->held = true;
		item->done = false;
		fwd_parse(engine, item);
		item->hash = mf_hash_micro(&engine->cache, fwd_key(item));
		__builtin_prefetch(mf_set(&engine->cache, item->hash));
	}
	for (i = 0; i < n_items; i++) {
		item = &items[i];
		item->hint = mf_hint(&engine->cache, item->hash);
		if (item->hint != MF_NONE)
			mf_prefetch(&engine->cache, item->hint);
	}
	for (i = 0; i < n_items; i++) {
		fwd_item(engine, &items[i]);
		fwd_finish(engine, &items[i]);
	}
	return n;
}

#endif
