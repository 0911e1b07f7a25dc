/* Lists of strings, short enough to be walked. */
#include "conf/strs.h"

#include <stdlib.h>
#include <string.h>

void strs_fini(struct strs *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strs){ 0 };
}

int strs_take(struct strs *s, char *text)
{
	char **v = text ? realloc(s->v, (s->n + 1) * sizeof(*v)) : NULL;

	if (!v) {
		free(text);
		return ERR_NOMEM;
	}
	s->v = v;
	s->v[s->n++] = text;
	return OK;
}

int strs_add(struct strs *s, const char *text)
{
	return strs_take(s, strdup(text));
}

bool strs_has(const struct strs *s, const char *text)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], text) == 0)
			return true;
	return false;
}
