/* Gives what Parlor asks of mimalloc to the C library instead, so that a profiler which knows only
   the C library's allocator sees it.

   Valgrind puts a function named _vgr00000ZU_NONE_x, wherever it is loaded from, in the place of a
   function x of the program itself. These are all that the Rust side of the program calls. */
#define _POSIX_C_SOURCE 200112L
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define INSTEAD_OF(name) _vgr00000ZU_NONE_##name

void *INSTEAD_OF(mi_malloc_aligned)(size_t size, size_t alignment) {
    void *block = NULL;
    if (alignment <= alignof(max_align_t)) return malloc(size);
    return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

void *INSTEAD_OF(mi_zalloc_aligned)(size_t size, size_t alignment) {
    void *block;
    if (alignment <= alignof(max_align_t)) return calloc(1, size);
    block = INSTEAD_OF(mi_malloc_aligned)(size, alignment);
    return block ? memset(block, 0, size) : NULL;
}

/* A block of a larger alignment does not grow in place, and how long it was is not known here. */
void *INSTEAD_OF(mi_realloc_aligned)(void *block, size_t size, size_t alignment) {
    if (alignment > alignof(max_align_t)) abort();
    return realloc(block, size);
}

void INSTEAD_OF(mi_free)(void *block) { free(block); }
