// The arena: memory for key bytes that is never swapped, dumped or inherited, and wiped on free.
//
// Written in C because OpenSSL allocates from it before Swift code runs, and frees without saying
// how much. All functions may be called from any thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  KW_BACKING_NONE = 0,          // nothing mapped yet
  KW_BACKING_MLOCK = 1,         // mmap + mlock + MADV_DONTDUMP
  KW_BACKING_MEMFD_SECRET = 2,  // memfd_secret(2): not even root reads it through /proc
};

typedef struct {
  int backing;
  size_t limit;     // most bytes the arena may map
  size_t mapped;    // bytes mapped, locked
  size_t in_use;    // bytes handed out
  size_t peak;      // largest `mapped` so far
  size_t scratch;   // bytes of large working areas (see kw_openssl_malloc), outside the limit
} kw_memory_stats;

typedef struct {
  uintptr_t start;
  uintptr_t end;
} kw_memory_range;

// Sets the limit in bytes and raises the soft RLIMIT_MEMLOCK to the hard one. `backing` fixes the
// kind of memory for chunks mapped from now on; KW_BACKING_NONE chooses the best the kernel has.
void kw_memory_configure(size_t limit, int backing);

// Maps a chunk that only kw_openssl_malloc may use, when all else is full. OpenSSL 3.0 dereferences
// NULL when memory runs out in the middle of loading an algorithm. Returns 0 when it is refused.
int kw_memory_reserve(void);

// Zero-filled memory, aligned to 16 bytes; NULL when the limit or RLIMIT_MEMLOCK refuses.
void *kw_memory_alloc(size_t count);
// Wipes and frees. A pointer freed twice, or a smashed header, aborts the process.
void kw_memory_free(void *pointer);

kw_memory_stats kw_memory_report(void);
// Writes up to `capacity` mapped ranges and returns how many there are.
size_t kw_memory_ranges(kw_memory_range *out, size_t capacity);

// The three functions for CRYPTO_set_mem_functions.
void *kw_openssl_malloc(size_t count, const char *file, int line);
void *kw_openssl_realloc(void *pointer, size_t count, const char *file, int line);
void kw_openssl_free(void *pointer, const char *file, int line);

// Wipes the stack below the caller, where big-number code leaves copies of scalars.
void kw_scrub_stack(void);
