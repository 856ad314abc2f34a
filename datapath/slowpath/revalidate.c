/* After a change: which megaflows are still right?
 *
 * A megaflow that looked at none of the changed tables, groups and ports is not touched.  Any other is translated again
 * from its sample, under the new tables.  Let `new` be that result and `mf` what is installed; then
 *
 *   1. no changed flow can match any packet of mf, at no table on its way: all its packets are decided on as before, and
 *      it stays, even though the new mask may be wider now because the classifier looks at more bits;
 *   2. otherwise, if new.mask is within mf.mask, then all packets of mf agree on new.mask, so new.actions are right for
 *      all of them: it stays, or gets the new actions in place;
 *   3. otherwise mf would have to be divided: it is deleted, and what comes next makes new ones.
 *
 * By induction over the changes every installed megaflow is right when the call returns.  Those kept by 1 and 2 may
 * overlap new ones, which is harmless since both are right.
 */
#include "slowpath.h"

static bool concerned(const struct megaflow *mf, const struct xl_delta *delta)
{
	for (__u32 i = 0; i < 4; i++)
		if (mf->tables[i] & delta->tables[i])
			return true;
	return ((delta->all_groups || delta->one_group) && mf->uses_groups) || (delta->ports && mf->uses_ports);
}

static bool same_actions(const struct megaflow *mf, const struct xl_result *result)
{
	return mf->n_actions == result->n_actions &&
	       !memcmp(mf->actions, result->actions, result->n_actions * sizeof(*result->actions));
}

static bool same_path(const struct megaflow *mf, const struct xl_result *result)
{
	return mf->n_path == result->n_path && !memcmp(mf->path, result->path, result->n_path * sizeof(struct flow *));
}

static void revalidate_one(struct slow_path *sp, struct megaflow *mf, const struct xl_delta *delta, __u64 now_ns)
{
	struct xl_result *new = &sp->scratch;
	bool within;

	sp->counters.n_revalidated++;
	translate(&sp->env, mf->sample, delta, mf->mask, new);
	within = bits_subset(new->mask, mf->mask, sp->megaflows.n_words);
	if (new->affected && !within) {
		megaflows_delete(&sp->megaflows, mf, now_ns);
		return;
	}
	if (new->affected || !same_path(mf, new)) {
		megaflow_collect(&sp->megaflows, mf, now_ns); /* what came so far goes to the flows as they were */
		if (megaflow_set_path(mf, new)) {
			mf->n_path = 0; /* no memory: these flows may be freed soon */
			megaflows_delete(&sp->megaflows, mf, now_ns);
			return;
		}
	}
	if (new->affected && !same_actions(mf, new)) {
		sp->counters.n_overflows += new->overflow != XL_FITS;
		megaflows_modify(&sp->megaflows, mf, new, now_ns);
	}
}

void sp_revalidate(struct slow_path *sp, const struct xl_delta *delta)
{
	__u64 now_ns = sp_now_ns(sp);

	for (__u32 i = sp->megaflows.n; i-- > 0;)
		if (concerned(sp->megaflows.all[i], delta))
			revalidate_one(sp, sp->megaflows.all[i], delta, now_ns);
}
