/* Runs one call of compiled code on the machine that it was compiled for.

     IMAGE=path RESULTS=path driver

   IMAGE is memory that Python laid out (image.py): a header, arguments, descriptors, tensors, with every pointer in
   it already right for the address that the header names. It is mapped there and shared, so that what the call writes
   into it (the descriptors of results, the status) is in the file afterwards. The elements of results, which lie in
   memory that the call allocated, go to RESULTS, one result after the other.

   Ends with status 0, or 2 after a line on standard error. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef uint64_t word;

enum { PAGE = 4096 };
static const word MAGIC = 0x6b69747370696c73; /* "slipstik" */

struct header {
  word magic, base, arguments;
  word guards, guard_count; /* addresses of pages that nothing may touch */
  word results, result_count;
};

struct result {
  word descriptor, rank, element_bytes;
};

/* Generated for each entry (emulated.py): calls it with the arguments that the words hold. */
extern void slipstick_call(word *arguments);

static void fail(const char *what) {
  fprintf(stderr, "driver: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
  exit(2);
}

static struct header *map(const char *path) {
  int file = open(path, O_RDWR);
  struct stat status;
  word head[2];
  if (file < 0 || fstat(file, &status) || pread(file, head, sizeof head, 0) != sizeof head || head[0] != MAGIC)
    fail(path);
  void *base = (void *)head[1];
  int how = MAP_SHARED | MAP_FIXED_NOREPLACE;
  if (mmap(base, status.st_size, PROT_READ | PROT_WRITE, how, file, 0) != base)
    fail("cannot map the image at its address");
  return base;
}

static void write_result(FILE *out, const struct result *result) {
  /* allocated, aligned, offset, sizes, strides */
  const word *descriptor = (const word *)result->descriptor;
  const word *sizes = descriptor + 3, *strides = sizes + result->rank;
  word count = 1;
  for (word i = result->rank; i-- > 0; count *= sizes[i])
    if (sizes[i] > 1 && strides[i] != count)
      fail("a result that is not contiguous");
  if (descriptor[2])
    fail("a result with an offset");
  if (fwrite((const void *)descriptor[1], result->element_bytes, count, out) != count)
    fail("cannot write results");
}

/* Compiled modules may define `main` themselves: this runs, and ends the process, before any `main` is called. */
__attribute__((weak)) int main(void) { return 2; }

__attribute__((constructor)) static void run(void) {
  const char *image = getenv("IMAGE"), *results = getenv("RESULTS");
  if (!image || !results)
    fail("the variables IMAGE and RESULTS");
  struct header *header = map(image);
  for (word i = 0; i < header->guard_count; i++)
    if (mprotect((void *)((word *)header->guards)[i], PAGE, PROT_NONE))
      fail("cannot protect a page");
  slipstick_call((word *)header->arguments);
  FILE *out = fopen(results, "wb");
  if (!out)
    fail(results);
  for (word i = 0; i < header->result_count; i++)
    write_result(out, (struct result *)header->results + i);
  if (fclose(out))
    fail(results);
  exit(0);
}
