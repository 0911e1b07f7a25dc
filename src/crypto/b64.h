/* Base64 as SSH files use it: standard alphabet, '=' padding, no line breaks inside. */
#ifndef ADIT_CRYPTO_B64_H
#define ADIT_CRYPTO_B64_H

#include "base/buf.h"

/* Appends the text (without NUL). */
void b64_encode(struct buf *out, struct span data);
/* Appends the bytes. White space (SP, TAB, CR, LF) is skipped. ERR_SYNTAX for anything else that is foreign, wrong
 * padding or trailing bits; then `out` is as before. */
int b64_decode(struct buf *out, struct span text) MUST_CHECK;

#endif
