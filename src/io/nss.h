/* The modules of the name service switch, for processes that cannot load any later. */
#ifndef ADIT_IO_NSS_H
#define ADIT_IO_NSS_H

/* Loads the modules that /etc/nsswitch.conf names for a database ("hosts", "passwd", "group"), for as long as the
 * process lives. One that is missing is missing later too, and is then passed over as the file says. */
void nss_load(const char *database);

#endif
