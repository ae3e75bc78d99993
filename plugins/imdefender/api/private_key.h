/* SPDX-License-Identifier: Apache-2.0 */
/* RSA private keys from PEM, without a copy left behind. */
#ifndef IMD_PRIVATE_KEY_H
#define IMD_PRIVATE_KEY_H

#include <openssl/evp.h>
#include "../base/buffer.h"

enum imd_key_problem {
    IMD_KEY_GOOD,
    IMD_KEY_ABSENT,         /* there is none in the text */
    IMD_KEY_LOCKED,         /* it is encrypted, and there is no passphrase */
    IMD_KEY_WRONG_PASSPHRASE,
    IMD_KEY_NOT_RSA,
    IMD_KEY_BROKEN
};

/* Reads the first private key of `pem` (other blocks may stand beside it): PKCS #8, encrypted or not, or the older form of
 * RSA keys. `passphrase` may be empty. *key is the caller's to free. */
enum imd_key_problem imd_private_key_read(const struct imd_buffer *pem, const struct imd_buffer *passphrase,
                                          EVP_PKEY **key);

#endif
