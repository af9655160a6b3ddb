// libcurl for Swift: its options are variadic, which Swift cannot call, so each kind has a function.
#pragma once
#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// Returns how many bytes were taken; fewer than `count` ends the transfer.
typedef size_t (*kw_curl_sink)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode kw_curl_set_text(CURL *curl, CURLoption option, const char *value) {
  return curl_easy_setopt(curl, option, value);
}

static inline CURLcode kw_curl_set_number(CURL *curl, CURLoption option, long value) {
  return curl_easy_setopt(curl, option, value);
}

static inline CURLcode kw_curl_set_size(CURL *curl, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(curl, option, value);
}

// At least CURL_ERROR_SIZE bytes, which must outlive the transfer.
static inline CURLcode kw_curl_set_error_buffer(CURL *curl, char *buffer) {
  return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, buffer);
}

// Copied by libcurl.
static inline CURLcode kw_curl_set_blob(CURL *curl, CURLoption option, const void *bytes, size_t count) {
  struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
  return curl_easy_setopt(curl, option, &blob);
}

static inline CURLcode kw_curl_set_list(CURL *curl, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(curl, option, value);
}

// The bytes are not copied: they must outlive the transfer.
static inline CURLcode kw_curl_set_body(CURL *curl, const void *bytes, curl_off_t count) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, count);
  if (code != CURLE_OK) return code;
  return curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes);
}

// A body that libcurl reads from here and cannot go back in: once a byte of it is out, a connection
// that dies ends the transfer with CURLE_SEND_FAIL_REWIND instead of a second request.
struct kw_curl_once {
  const char *bytes;
  size_t left;
};

static inline size_t kw_curl_read_once(char *buffer, size_t size, size_t count, void *context) {
  struct kw_curl_once *body = context;
  size_t taken = size * count < body->left ? size * count : body->left;
  memcpy(buffer, body->bytes, taken);
  body->bytes += taken;
  body->left -= taken;
  return taken;
}

static inline int kw_curl_refuse_seek(void *context, curl_off_t offset, int origin) {
  (void)context, (void)offset, (void)origin;
  return CURL_SEEKFUNC_FAIL;
}

// The bytes and `body` must outlive the transfer.
static inline CURLcode kw_curl_set_body_once(CURL *curl, struct kw_curl_once *body) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
  if (code == CURLE_OK) {
    code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->left);
  }
  if (code == CURLE_OK) code = curl_easy_setopt(curl, CURLOPT_READFUNCTION, kw_curl_read_once);
  if (code == CURLE_OK) code = curl_easy_setopt(curl, CURLOPT_READDATA, body);
  if (code == CURLE_OK) code = curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, kw_curl_refuse_seek);
  return code;
}

static inline CURLcode kw_curl_set_body_sink(CURL *curl, kw_curl_sink sink, void *context) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, sink);
  if (code != CURLE_OK) return code;
  return curl_easy_setopt(curl, CURLOPT_WRITEDATA, context);
}

static inline CURLcode kw_curl_set_header_sink(CURL *curl, kw_curl_sink sink, void *context) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, sink);
  if (code != CURLE_OK) return code;
  return curl_easy_setopt(curl, CURLOPT_HEADERDATA, context);
}

static inline long kw_curl_get_number(CURL *curl, CURLINFO info) {
  long value = 0;
  return curl_easy_getinfo(curl, info, &value) == CURLE_OK ? value : 0;
}

// libcurl's buffers hold what passes through them, so they are wiped when freed.
static inline void kw_curl_free(void *pointer) {
  if (pointer == NULL) return;
  explicit_bzero(pointer, malloc_usable_size(pointer));
  free(pointer);
}

static inline void *kw_curl_realloc(void *pointer, size_t count) {
  if (pointer == NULL) return malloc(count);
  void *larger = malloc(count == 0 ? 1 : count);
  if (larger == NULL) return NULL;
  size_t held = malloc_usable_size(pointer);
  memcpy(larger, pointer, held < count ? held : count);
  kw_curl_free(pointer);
  return larger;
}

// Call once before any other function of libcurl.
static inline CURLcode kw_curl_prepare(void) {
  // libcurl would write the secrets of each TLS session into the file that this names.
  unsetenv("SSLKEYLOGFILE");
  return curl_global_init_mem(
      CURL_GLOBAL_DEFAULT, malloc, kw_curl_free, kw_curl_realloc, strdup, calloc);
}
