/* May this user certificate log in? (OpenSSH's PROTOCOL.certkeys; sshd_config(5): TrustedUserCAKeys,
 * AuthorizedPrincipalsFile; cert-authority in authorized_keys) The user's own signature and RevokedKeys are checked
 * elsewhere. */
#ifndef ADIT_CONF_USERCA_H
#define ADIT_CONF_USERCA_H

#include "conf/authkeys.h"
#include "crypto/pkey.h"

struct userca_rules {
	const char *ca_sig_algs; /* CASignatureAlgorithms; NULL: all that can be checked */
	unsigned rsa_min_bits;	 /* RequiredRSASize, for the CA's key */
};

/* What the certificate itself says, whoever signed it: a user's, valid now, with principals, signed as the rules want
 * it, from an address that source-address has, without a critical option that is not known here (force-command is:
 * there are no sessions). OK, and *forwarding tells whether it has permit-port-forwarding; ERR_DENIED with a sentence.
 */
int userca_judge(const struct cert *cert, const struct key_login *who, const struct userca_rules *rules,
		 bool *forwarding, struct why *why) MUST_CHECK;

/* The texts of the administrator's files. */
struct userca_files {
	const char *cas_file; /* TrustedUserCAKeys, for sentences */
	struct span cas;
	const char *principals_file; /* AuthorizedPrincipalsFile of this user; NULL: not configured, then the user's own
				      * name must be a principal */
	struct span principals;	     /* empty when the file is missing: nobody's certificate is accepted then */
};

/* By TrustedUserCAKeys. OK: *out is what the login may do (options of the line of the principals file and the
 * certificate together) and the caller's to free; out->line is that line's, or 0. ERR_NOT_FOUND: the CA is not listed;
 * ERR_DENIED with a sentence; ERR_NOMEM. */
int userca_by_files(struct key_options *out, const struct userca_files *files, const struct cert *cert,
		    const struct key_login *who, const struct userca_rules *rules, struct why *why) MUST_CHECK;
/* By the first cert-authority line of an authorized_keys file that lets it in: one of its principals is in principals=,
 * or the user's name is one of the certificate's when there is no principals=. Results as above. */
int userca_by_line(struct key_options *out, const char *file, struct span text, const struct cert *cert,
		   const struct key_login *who, const struct userca_rules *rules, struct why *why) MUST_CHECK;

#endif
