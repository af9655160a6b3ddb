// The arena of kw_memory.h.
//
// A block is a 16-byte header and the payload. Blocks come in size classes, four to a doubling,
// each with its own lock and free list. An empty list is refilled from a chunk (1 MiB between two
// guard pages). What is larger than the largest class has a mapping of its own, unmapped on free.
//
// Invariant: every byte of a free payload is zero, but for the link of the free list.
#define _GNU_SOURCE
#include "kw_memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

enum {
  CHUNK = 1 << 20,
  // Block size, header included, of the largest class; larger ones are unmapped. The buffers of a TLS
  // connection, 17 KiB that come and go with each record, are below it: mapping them cost libcurl's
  // exchanges a third of their time.
  LARGEST = 32 << 10,
  REFILL = 8 << 10,        // bytes moved to a free list at once
  CLASSES = 48,
  MAX_MAPPINGS = 4096,
};
static const size_t DEFAULT_LIMIT = (size_t)64 << 20;
static const uint32_t LIVE = 0x4b57414c, DEAD = 0x4b574652, OWN_MAPPING = 0xffffffff;

typedef struct {
  uint32_t guard;       // LIVE or DEAD, mixed with the address
  uint32_t size_class;  // or OWN_MAPPING
  size_t count;         // bytes asked for
} header;

typedef struct {
  uint8_t *start;
  size_t size;
  size_t taken;     // bytes already given to free lists
  bool shared;      // a chunk; otherwise one block's own mapping
  bool scratch;     // outside the limit
  bool reserved;    // a chunk for OpenSSL alone
} mapping;

typedef struct free_block {
  struct free_block *next;
} free_block;

static struct {
  pthread_mutex_t lock;
  free_block *free;
  size_t in_use;
} classes[CLASSES] = {[0 ... CLASSES - 1] = {PTHREAD_MUTEX_INITIALIZER, NULL, 0}};

static struct {
  pthread_mutex_t lock;
  mapping mappings[MAX_MAPPINGS];
  size_t count;
  size_t mapped, peak, scratch, large_in_use;
  size_t limit;
  int backing;
} arena = {.lock = PTHREAD_MUTEX_INITIALIZER};

_Static_assert(sizeof(header) == 16, "payloads are aligned to 16 bytes");

static _Noreturn void fail(const char *words) {
  ssize_t ignored = write(STDERR_FILENO, words, strlen(words));
  (void)ignored;
  abort();
}

// Block sizes: multiples of 16 up to 128, then four to a doubling.
static unsigned class_of(size_t block) {
  if (block <= 128) return (unsigned)((block + 15) / 16 - 1);
  unsigned log = 63u - (unsigned)__builtin_clzll(block - 1);
  return 8 + (log - 7) * 4 + (unsigned)(((block - 1) >> (log - 2)) & 3);
}

static size_t class_size(unsigned c) {
  if (c < 8) return (c + 1) * (size_t)16;
  unsigned log = 7 + (c - 8) / 4;
  return (size_t)(4 + (c - 8) % 4 + 1) << (log - 2);
}

static uint32_t guard_of(const header *h, uint32_t state) {
  uint64_t a = (uint64_t)(uintptr_t)h * 0x9e3779b97f4a7c15u;
  return (uint32_t)(a >> 32) ^ state;
}

// MARK: mappings

// Reserves `size` bytes between two pages that fault on any access, so that an overrun of the
// arena or into it stops the process.
static uint8_t *reserve(size_t size, size_t page) {
  uint8_t *p = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p + page;
}

static bool back_with_secret(uint8_t *at, size_t size) {
  int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
  if (fd < 0) return false;
  void *p = MAP_FAILED;
  if (ftruncate(fd, (off_t)size) == 0)
    p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  close(fd);
  return p != MAP_FAILED;
}

static bool back_with_locked(uint8_t *at, size_t size, bool must_lock) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap(at, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) return false;
  if (mlock(at, size) != 0 && must_lock) return false;
  return madvise(at, size, MADV_DONTDUMP) == 0;
}

// Maps `size` bytes (a multiple of the page) or returns NULL. The arena lock is held.
static mapping *map(size_t size, bool scratch) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (arena.limit == 0) arena.limit = DEFAULT_LIMIT;
  if (arena.count == MAX_MAPPINGS) return NULL;
  if (!scratch && (size > arena.limit || arena.mapped > arena.limit - size)) return NULL;
  uint8_t *at = reserve(size, page);
  if (at == NULL) return NULL;
  bool backed = false;
  if (scratch) {
    backed = back_with_locked(at, size, false);
  } else {
    if (arena.backing != KW_BACKING_MLOCK && (backed = back_with_secret(at, size)))
      arena.backing = KW_BACKING_MEMFD_SECRET;
    // Once secret memory has been had, falling back would weaken the promise unseen.
    if (!backed && arena.backing != KW_BACKING_MEMFD_SECRET &&
        (backed = back_with_locked(at, size, true)))
      arena.backing = KW_BACKING_MLOCK;
  }
  // A forked child gets none of it: it could only leak keys or repeat random blocks.
  if (!backed || madvise(at, size, MADV_DONTFORK) != 0) {
    munmap(at - page, size + 2 * page);
    return NULL;
  }
  if (scratch) {
    arena.scratch += size;
  } else {
    arena.mapped += size;
    if (arena.mapped > arena.peak) arena.peak = arena.mapped;
  }
  mapping *m = &arena.mappings[arena.count++];
  *m = (mapping){.start = at, .size = size, .scratch = scratch};
  return m;
}

static void *own_mapping(size_t count, bool scratch) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (count > SIZE_MAX / 2) return NULL;
  size_t size = (count + sizeof(header) + page - 1) / page * page;
  pthread_mutex_lock(&arena.lock);
  mapping *m = map(size, scratch);
  header *h = m == NULL ? NULL : (header *)m->start;
  if (h != NULL && !scratch) arena.large_in_use += count;
  pthread_mutex_unlock(&arena.lock);
  if (h == NULL) return NULL;
  *h = (header){guard_of(h, LIVE), OWN_MAPPING, count};
  return h + 1;
}

static void unmap(header *h) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  pthread_mutex_lock(&arena.lock);
  size_t i = 0;
  while (i < arena.count && arena.mappings[i].start != (uint8_t *)h) i++;
  if (i == arena.count) fail("keyward: free of memory that the arena does not own\n");
  mapping m = arena.mappings[i];
  arena.mappings[i] = arena.mappings[--arena.count];
  if (m.scratch) {
    arena.scratch -= m.size;
  } else {
    arena.mapped -= m.size;
    arena.large_in_use -= h->count;
  }
  explicit_bzero(m.start, m.size);
  munmap(m.start - page, m.size + 2 * page);
  pthread_mutex_unlock(&arena.lock);
}

// MARK: blocks

// Fills the free list of a class; its lock is held. Returns false when no memory can be had.
static bool refill(unsigned c, bool openssl) {
  const size_t block = class_size(c);
  pthread_mutex_lock(&arena.lock);
  mapping *m = NULL;
  for (size_t i = 0; i < arena.count && m == NULL; i++) {
    mapping *candidate = &arena.mappings[i];
    if (candidate->shared && !candidate->reserved && candidate->size - candidate->taken >= block)
      m = candidate;
  }
  if (m == NULL) {
    m = map(CHUNK, false);
    if (m != NULL) m->shared = true;
  }
  for (size_t i = 0; i < arena.count && m == NULL && openssl; i++) {
    mapping *candidate = &arena.mappings[i];
    if (candidate->reserved && candidate->size - candidate->taken >= block) m = candidate;
  }
  uint8_t *at = NULL;
  size_t blocks = 0;
  if (m != NULL) {
    const size_t room = (m->size - m->taken) / block;
    blocks = block >= REFILL ? 1 : REFILL / block;
    if (blocks > room) blocks = room;
    at = m->start + m->taken;
    m->taken += blocks * block;
  }
  pthread_mutex_unlock(&arena.lock);
  for (size_t i = blocks; i-- > 0;) {
    header *h = (header *)(at + i * block);
    *h = (header){guard_of(h, DEAD), c, 0};
    free_block *f = (free_block *)(h + 1);
    f->next = classes[c].free;
    classes[c].free = f;
  }
  return blocks > 0;
}

static void *allocate(size_t count, bool openssl) {
  if (count > LARGEST - sizeof(header)) return own_mapping(count, false);
  // The smallest block has room for the link of the free list.
  const size_t payload = count < 16 ? 16 : count;
  const unsigned c = class_of(payload + sizeof(header));
  pthread_mutex_lock(&classes[c].lock);
  if (classes[c].free == NULL && !refill(c, openssl)) {
    pthread_mutex_unlock(&classes[c].lock);
    return NULL;
  }
  free_block *f = classes[c].free;
  header *h = (header *)f - 1;
  if (h->guard != guard_of(h, DEAD)) fail("keyward: the arena's free list is smashed\n");
  classes[c].free = f->next;
  classes[c].in_use += count;
  h->guard = guard_of(h, LIVE);
  h->count = count;
  pthread_mutex_unlock(&classes[c].lock);
  f->next = NULL;
  return f;
}

void *kw_memory_alloc(size_t count) { return allocate(count, false); }

static header *live_header(void *pointer) {
  header *h = (header *)pointer - 1;
  if (h->guard != guard_of(h, LIVE)) fail("keyward: double free, or a smashed block\n");
  return h;
}

void kw_memory_free(void *pointer) {
  if (pointer == NULL) return;
  header *h = live_header(pointer);
  if (h->size_class == OWN_MAPPING) {
    unmap(h);
    return;
  }
  const unsigned c = h->size_class;
  if (c >= CLASSES || h->count > class_size(c) - sizeof(header))
    fail("keyward: a smashed block\n");
  explicit_bzero(pointer, h->count);
  pthread_mutex_lock(&classes[c].lock);
  classes[c].in_use -= h->count;
  h->guard = guard_of(h, DEAD);
  h->count = 0;
  ((free_block *)pointer)->next = classes[c].free;
  classes[c].free = pointer;
  pthread_mutex_unlock(&classes[c].lock);
}

// MARK: settings and report

void kw_memory_configure(size_t limit, int backing) {
  struct rlimit locked;
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < locked.rlim_max) {
    locked.rlim_cur = locked.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &locked);
  }
  pthread_mutex_lock(&arena.lock);
  arena.limit = limit;
  if (backing != KW_BACKING_NONE) arena.backing = backing;
  pthread_mutex_unlock(&arena.lock);
}

int kw_memory_reserve(void) {
  pthread_mutex_lock(&arena.lock);
  mapping *m = map(CHUNK, false);
  if (m != NULL) m->shared = m->reserved = true;
  pthread_mutex_unlock(&arena.lock);
  return m != NULL;
}

kw_memory_stats kw_memory_report(void) {
  pthread_mutex_lock(&arena.lock);
  kw_memory_stats stats = {
      .backing = arena.mapped == 0 ? KW_BACKING_NONE : arena.backing,
      .limit = arena.limit == 0 ? DEFAULT_LIMIT : arena.limit,
      .mapped = arena.mapped,
      .in_use = arena.large_in_use,
      .peak = arena.peak,
      .scratch = arena.scratch,
  };
  pthread_mutex_unlock(&arena.lock);
  for (unsigned c = 0; c < CLASSES; c++) {
    pthread_mutex_lock(&classes[c].lock);
    stats.in_use += classes[c].in_use;
    pthread_mutex_unlock(&classes[c].lock);
  }
  return stats;
}

size_t kw_memory_ranges(kw_memory_range *out, size_t capacity) {
  pthread_mutex_lock(&arena.lock);
  const size_t count = arena.count;
  for (size_t i = 0; i < count && i < capacity; i++) {
    const uintptr_t start = (uintptr_t)arena.mappings[i].start;
    out[i] = (kw_memory_range){start, start + arena.mappings[i].size};
  }
  pthread_mutex_unlock(&arena.lock);
  return count;
}

// MARK: OpenSSL's heap

void *kw_openssl_malloc(size_t count, const char *file, int line) {
  (void)file;
  (void)line;
  if (count == 0) return NULL;
  // Only scrypt asks for so much at once. Its table is derived from the passphrase, lives for the
  // call and is larger than an ordinary RLIMIT_MEMLOCK: never dumped, inherited or left unwiped,
  // but locked only as far as the limit lets it.
  if (count > CHUNK) return own_mapping(count, true);
  return allocate(count, true);
}

void *kw_openssl_realloc(void *pointer, size_t count, const char *file, int line) {
  if (pointer == NULL) return kw_openssl_malloc(count, file, line);
  if (count == 0) {
    kw_memory_free(pointer);
    return NULL;
  }
  header *h = live_header(pointer);
  const size_t old = h->count;
  if (h->size_class != OWN_MAPPING) {
    const size_t room = class_size(h->size_class) - sizeof(header);
    if (count <= room && count >= room / 4) {
      if (count < old) explicit_bzero((uint8_t *)pointer + count, old - count);
      pthread_mutex_lock(&classes[h->size_class].lock);
      classes[h->size_class].in_use += count - old;
      h->count = count;
      pthread_mutex_unlock(&classes[h->size_class].lock);
      return pointer;
    }
  }
  void *moved = kw_openssl_malloc(count, file, line);
  if (moved == NULL) return NULL;
  memcpy(moved, pointer, old < count ? old : count);
  kw_memory_free(pointer);
  return moved;
}

void kw_openssl_free(void *pointer, const char *file, int line) {
  (void)file;
  (void)line;
  kw_memory_free(pointer);
}

__attribute__((noinline)) void kw_scrub_stack(void) {
  uint8_t below[32 << 10];
  explicit_bzero(below, sizeof below);
}
