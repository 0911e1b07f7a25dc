/* Items of an address list, one after the other; none is skipped, because a later one may negate or be wrong. */
#include "conf/addrlist.h"

enum { ITEM_MAX = 256 };

/* The next item, without the comma; false at the end. An item that is too long comes as an empty one, with *bad set. */
static bool next_item(const char **list, char item[ITEM_MAX], bool *bad)
{
	size_t n = strcspn(*list, ",");

	if (!**list)
		return false;
	*bad |= n >= ITEM_MAX;
	if (n >= ITEM_MAX)
		item[0] = 0;
	else
		item[n] = 0;
	if (n < ITEM_MAX)
		memcpy(item, *list, n);
	*list += n + ((*list)[n] == ',');
	return true;
}

/* An address is compared as a number, everything else that is no range as a pattern. */
static int match_item(const char *item, const struct ip *a, const char *text, bool *yes)
{
	struct ip_range r;

	if (ip_range_parse(&r, item) == OK) {
		*yes = ip_in(a, &r);
		return OK;
	}
	*yes = str_match(item, text);
	return strchr(item, '/') ? ERR_SYNTAX : OK;
}

int addrlist_match(const char *list, const struct ip *a, enum list_match *match)
{
	enum list_match found = LIST_NO;
	char item[ITEM_MAX], text[IP_TEXT];
	const struct ip real = ip_unmap(*a);
	bool bad = false;

	ip_text(&real, text);
	while (next_item(&list, item, &bad)) {
		bool negated = item[0] == '!', yes;

		bad |= match_item(item + negated, &real, text, &yes) != OK;
		if (yes && found != LIST_NEGATED)
			found = negated ? LIST_NEGATED : LIST_YES;
	}
	if (bad)
		return ERR_SYNTAX;
	*match = found;
	return OK;
}

int addrlist_match_cidr(const char *list, const struct ip *a, bool *match)
{
	const struct ip real = ip_unmap(*a);
	char item[ITEM_MAX];
	bool bad = !*list, found = false;

	while (next_item(&list, item, &bad)) {
		struct ip_range r;

		bad |= ip_range_parse(&r, item) != OK;
		found |= !bad && ip_in(&real, &r);
	}
	if (bad)
		return ERR_SYNTAX;
	*match = found;
	return OK;
}

int addrlist_check(const char *list)
{
	const struct ip none = { .family = 4 };
	enum list_match ignored;

	return addrlist_match(list, &none, &ignored);
}
