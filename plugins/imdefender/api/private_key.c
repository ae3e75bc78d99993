/* SPDX-License-Identifier: Apache-2.0 */
/* Why not PEM_read_bio_PrivateKey(): the decoders of OpenSSL 3 free the decrypted key without overwriting it (seen by a hook
 * in its allocator: decode_epki2pki.c, decode_der2key.c), and it stays readable in the heap. These older functions do not. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "private_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

/* A block of PEM. */
struct block {
    char *name, *header;
    unsigned char *bytes;
    long length;
};

static void free_block(struct block *block) {
    if (block->bytes != NULL) OPENSSL_cleanse(block->bytes, (size_t)block->length);
    OPENSSL_free(block->bytes);
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    *block = (struct block){0};
}

/* The next block that is a private key; false after the last one. */
static bool next_key(BIO *bio, struct block *block) {
    while (PEM_read_bio(bio, &block->name, &block->header, &block->bytes, &block->length) == 1) {
        if (strstr(block->name, "PRIVATE KEY") != NULL) return true;
        free_block(block);
    }
    return false;
}

static enum imd_key_problem read_rsa(const unsigned char *bytes, long length, EVP_PKEY **key) {
    RSA *rsa = d2i_RSAPrivateKey(NULL, &bytes, length);

    if (rsa == NULL) return IMD_KEY_BROKEN;
    *key = EVP_PKEY_new();
    if (*key != NULL && EVP_PKEY_assign_RSA(*key, rsa) == 1) return IMD_KEY_GOOD;
    RSA_free(rsa);
    EVP_PKEY_free(*key);
    *key = NULL;
    return IMD_KEY_BROKEN;
}

static enum imd_key_problem read_pkcs8(PKCS8_PRIV_KEY_INFO *info, EVP_PKEY **key) {
    const ASN1_OBJECT *algorithm;
    const unsigned char *bytes;
    int length;

    if (info == NULL || PKCS8_pkey_get0(&algorithm, &bytes, &length, NULL, info) != 1) return IMD_KEY_BROKEN;
    return OBJ_obj2nid(algorithm) == NID_rsaEncryption ? read_rsa(bytes, length, key) : IMD_KEY_NOT_RSA;
}

static enum imd_key_problem read_plain_pkcs8(const struct block *block, EVP_PKEY **key) {
    const unsigned char *bytes = block->bytes;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &bytes, block->length);
    enum imd_key_problem problem = read_pkcs8(info, key);

    PKCS8_PRIV_KEY_INFO_free(info); /* overwrites */
    return problem;
}

static enum imd_key_problem read_locked_pkcs8(const struct block *block, const struct imd_buffer *passphrase, EVP_PKEY **key) {
    const unsigned char *bytes = block->bytes;
    X509_SIG *locked = d2i_X509_SIG(NULL, &bytes, block->length);

    if (locked == NULL) return IMD_KEY_BROKEN;
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(locked, passphrase->data, (int)passphrase->length);
    enum imd_key_problem problem = info == NULL ? IMD_KEY_WRONG_PASSPHRASE : read_pkcs8(info, key);
    PKCS8_PRIV_KEY_INFO_free(info);
    X509_SIG_free(locked);
    return problem;
}

static int give_passphrase(char *out, int size, int writing, void *context) {
    const struct imd_buffer *passphrase = context;

    (void)writing;
    if (passphrase->length > (size_t)size) return -1;
    memcpy(out, passphrase->data, passphrase->length);
    return (int)passphrase->length;
}

/* "-----BEGIN RSA PRIVATE KEY-----", encrypted where its header says so. */
static enum imd_key_problem read_old_form(struct block *block, const struct imd_buffer *passphrase, EVP_PKEY **key) {
    EVP_CIPHER_INFO cipher;

    if (PEM_get_EVP_CIPHER_INFO(block->header, &cipher) != 1) return IMD_KEY_BROKEN;
    if (cipher.cipher != NULL && passphrase->length == 0) return IMD_KEY_LOCKED;
    if (cipher.cipher != NULL &&
        PEM_do_header(&cipher, block->bytes, &block->length, give_passphrase, (void *)passphrase) != 1) {
        return IMD_KEY_WRONG_PASSPHRASE;
    }
    enum imd_key_problem problem = read_rsa(block->bytes, block->length, key);
    /* One wrong passphrase in 256 leaves a padding that looks right. */
    return problem == IMD_KEY_BROKEN && cipher.cipher != NULL ? IMD_KEY_WRONG_PASSPHRASE : problem;
}

static enum imd_key_problem read_block(struct block *block, const struct imd_buffer *passphrase, EVP_PKEY **key) {
    if (strcmp(block->name, PEM_STRING_PKCS8INF) == 0) return read_plain_pkcs8(block, key);
    if (strcmp(block->name, PEM_STRING_RSA) == 0) return read_old_form(block, passphrase, key);
    if (strcmp(block->name, PEM_STRING_PKCS8) != 0) return IMD_KEY_NOT_RSA;
    return passphrase->length == 0 ? IMD_KEY_LOCKED : read_locked_pkcs8(block, passphrase, key);
}

enum imd_key_problem imd_private_key_read(const struct imd_buffer *pem, const struct imd_buffer *passphrase,
                                          EVP_PKEY **key) {
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->length);
    struct block block = {0};
    enum imd_key_problem problem = IMD_KEY_ABSENT;

    *key = NULL;
    if (bio != NULL && next_key(bio, &block)) problem = read_block(&block, passphrase, key);
    free_block(&block);
    BIO_free(bio);
    return problem;
}
