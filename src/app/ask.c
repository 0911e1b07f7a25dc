/* Two lists: what waits, and what is under way. */
#include "app/ask.h"

void asks_init(struct asks *a)
{
	*a = (struct asks){ 0 };
	list_init(&a->waiting);
	list_init(&a->under_way);
}

bool ask_pending(const struct ask *q)
{
	return q->memo.n > 0;
}

static void pump_waiting(struct asks *a)
{
	while (a->guard && a->count < ASKS_MAX && !list_empty(&a->waiting)) {
		struct ask *q = CONTAINER(a->waiting.next, struct ask, node);

		if (ipc_send(a->guard, buf_span(&q->memo), IPC_NO_FD) != OK)
			return; /* its end is reported, and then the next guard is asked */
		list_del(&q->node);
		list_add_tail(&a->under_way, &q->node);
		q->sent = true;
		a->count++;
	}
}

void asks_guard(struct asks *a, struct ipc *guard)
{
	struct list *l;

	a->guard = guard;
	while ((l = list_pop(&a->under_way))) {
		CONTAINER(l, struct ask, node)->sent = false;
		list_add_tail(&a->waiting, l);
	}
	a->count = 0;
	pump_waiting(a);
}

int ask_put(struct asks *a, struct ask *q, const struct memo *m)
{
	assert(!ask_pending(q));
	q->memo = BUF(MEMO_MAX + 1024);
	memo_pack(m, &q->memo);
	if (buf_err(&q->memo)) {
		buf_fini(&q->memo);
		return ERR_NOMEM;
	}
	q->sent = false;
	list_add_tail(&a->waiting, &q->node);
	pump_waiting(a);
	return OK;
}

void ask_done(struct asks *a, struct ask *q)
{
	if (!ask_pending(q))
		return;
	list_del(&q->node);
	a->count -= q->sent;
	buf_fini(&q->memo);
	pump_waiting(a);
}
