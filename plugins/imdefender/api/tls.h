/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl leaves to the TLS library: plaintext that is wiped once it was read, and servers that are known by the
 * thumbprint of their certificate. Works with libcurl's OpenSSL flavour; another one does without the first and refuses
 * the second. */
#ifndef IMD_TLS_H
#define IMD_TLS_H

#include <curl/curl.h>

/* `thumbprint`: SHA-1 of the server's certificate in hexadecimal digits, which is then accepted whoever signed it, and no
 * other; it must live as long as the transfer. NULL: the certificate has to be trusted. */
CURLcode imd_tls_set(CURL *easy, const char *thumbprint);

#endif
