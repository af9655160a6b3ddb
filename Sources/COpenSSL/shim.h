// OpenSSL 3 libcrypto, and the few inline functions that Swift cannot import or would pay for.
#pragma once
// The SHA-2 block functions below are deprecated in name only; see kw_sha2.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <string.h>

// A public key of a named curve from an encoded point, or NULL. In C because an OSSL_PARAM keeps
// pointers to its names, which must outlive the call that makes it.
static inline EVP_PKEY *kw_ec_public_key(const char *group, const uint8_t *point, size_t count) {
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, count),
      OSSL_PARAM_construct_end(),
  };
  if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    key = NULL;
  EVP_PKEY_CTX_free(context);
  return key;
}

// A SHA-2 computation without an EVP context: no allocation and no provider dispatch, which for
// the 200-byte messages of row MACs and Merkle leaves is more than half of the time of EVP.
typedef struct {
  int bits;
  union {
    SHA256_CTX narrow;
    SHA512_CTX wide;
  } state;
} kw_sha2;

static inline void kw_sha2_begin(kw_sha2 *h, int bits) {
  h->bits = bits;
  switch (bits) {
  case 256: SHA256_Init(&h->state.narrow); break;
  case 384: SHA384_Init(&h->state.wide); break;
  default: SHA512_Init(&h->state.wide); break;
  }
}

static inline void kw_sha2_update(kw_sha2 *h, const void *bytes, size_t count) {
  if (count == 0) return;
  switch (h->bits) {
  case 256: SHA256_Update(&h->state.narrow, bytes, count); break;
  case 384: SHA384_Update(&h->state.wide, bytes, count); break;
  default: SHA512_Update(&h->state.wide, bytes, count); break;
  }
}

// Writes bits / 8 bytes. The Final functions of OpenSSL leave the state behind, so it is wiped.
static inline void kw_sha2_finish(kw_sha2 *h, uint8_t *out) {
  switch (h->bits) {
  case 256: SHA256_Final(out, &h->state.narrow); break;
  case 384: SHA384_Final(out, &h->state.wide); break;
  default: SHA512_Final(out, &h->state.wide); break;
  }
  OPENSSL_cleanse(h, sizeof *h);
}

// HMAC (RFC 2104) with the padded key absorbed once: two states that stand for the key.
typedef struct {
  kw_sha2 inner;
  kw_sha2 outer;
} kw_hmac_key;

static inline void kw_hmac_prepare(kw_hmac_key *k, int bits, const uint8_t *key, size_t count) {
  const size_t block = bits == 256 ? 64 : 128;
  uint8_t pad[128];
  memset(pad, 0, sizeof pad);
  if (count > block) {
    kw_sha2_begin(&k->inner, bits);
    kw_sha2_update(&k->inner, key, count);
    kw_sha2_finish(&k->inner, pad);
  } else if (count > 0) {
    memcpy(pad, key, count);
  }
  for (size_t i = 0; i < block; i++) pad[i] ^= 0x36;
  kw_sha2_begin(&k->inner, bits);
  kw_sha2_update(&k->inner, pad, block);
  for (size_t i = 0; i < block; i++) pad[i] ^= 0x36 ^ 0x5c;
  kw_sha2_begin(&k->outer, bits);
  kw_sha2_update(&k->outer, pad, block);
  OPENSSL_cleanse(pad, sizeof pad);
}

// `work` starts as a copy of `k->inner` and has absorbed the message.
static inline void kw_hmac_finish(const kw_hmac_key *k, kw_sha2 *work, uint8_t *out) {
  const size_t count = (size_t)k->inner.bits / 8;
  uint8_t digest[64];
  kw_sha2_finish(work, digest);
  *work = k->outer;
  kw_sha2_update(work, digest, count);
  kw_sha2_finish(work, out);
  OPENSSL_cleanse(digest, sizeof digest);
}
