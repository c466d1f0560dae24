"""Where compiled code gets memory: malloc, behind a pool of blocks that were freed.

A call needs one arena for its intermediates and one block for each result. malloc takes large blocks from the system
and gives them back, call after call, and each page costs a fault when it is first written. So freed blocks are kept
for any call of any compiled module: 256 MiB of them or, with those in use, a quarter more than has been in use at one
time (blocks of one call need not all be in use together). After the first calls no memory is allocated any more. Large
blocks lie on large pages where the system has them: rows of a matrix that are far apart then need few translations of
addresses.

Sizes are rounded up to classes, four for each power of two; each class has a row of slots for blocks of its size. A
block comes out of the row of its class or of the three classes above. A slot is emptied and filled by atomic
operations: who has taken a pointer out of it owns the block. Where a freed block would exceed the limit, others are
given back to malloc, round and round, so that blocks of a size that nothing asks for any more do not stay.

A block has 16 bytes in front: a mark, by which what plain malloc gave is told from it, and its size in bytes.
"""

from __future__ import annotations

ALLOCATE = "_mlir_memref_to_llvm_alloc"
FREE = "_mlir_memref_to_llvm_free"
STATISTICS = "slipstick_memory_statistics"
RELEASE = "slipstick_release_memory"
NAMES = (ALLOCATE, FREE, STATISTICS, RELEASE)
"""The first two are what MLIR calls with the option `use-generic-functions` of `finalize-memref-to-llvm`."""

POOL_LIMIT = 256 << 20
"""Bytes of freed blocks that may be kept in any case."""
LARGEST_KEPT = 4 << 30
"""Larger blocks are not kept at all."""
LARGE_PAGE = 2 << 20
LARGE_BLOCK = 2 * LARGE_PAGE
"""From so many bytes on a block lies on large pages."""
CLASS_BLOCKS = 64
"""How many blocks of one class are kept at most."""

_CLASSES = (LARGEST_KEPT.bit_length() - 1 - 5) * 4
_SLOTS = _CLASSES * CLASS_BLOCKS
_MADV_HUGEPAGE = 14
_MARK = int.from_bytes(b"slipstik", "little")

LLVM_IR = f"""
declare ptr @malloc(i64)
declare void @free(ptr)
declare ptr @aligned_alloc(i64, i64)
declare i32 @madvise(ptr, i64, i32)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)

@pool = internal global [{_SLOTS} x ptr] zeroinitializer, align 64
@pooled = internal global i64 0, align 64
@live = internal global i64 0, align 64
@most = internal global i64 0, align 8
@hits = internal global i64 0, align 64
@misses = internal global i64 0, align 64
@allocated = internal global i64 0, align 8
@hand = internal global i64 0, align 64

; a class is an exponent and two bits behind the leading one of (bytes - 1): its number, and the bytes of its blocks
define internal {{ i64, i64 }} @class(i64 %bytes) alwaysinline {{
  %atleast = call i64 @llvm.umax.i64(i64 %bytes, i64 64)
  %x = sub i64 %atleast, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %x, i1 true)
  %shift = sub i64 61, %zeros
  %top = lshr i64 %x, %shift
  %above = add i64 %top, 1
  %size = shl i64 %above, %shift
  %octave = sub i64 %shift, 3
  %first = shl i64 %octave, 2
  %in_octave = sub i64 %top, 4
  %number = add i64 %first, %in_octave
  %pair = insertvalue {{ i64, i64 }} poison, i64 %number, 0
  %both = insertvalue {{ i64, i64 }} %pair, i64 %size, 1
  ret {{ i64, i64 }} %both
}}

; note that a block came into use
define internal void @use(i64 %size) alwaysinline {{
  %before = atomicrmw add ptr @live, i64 %size monotonic
  %now = add i64 %before, %size
  %most = load atomic i64, ptr @most monotonic, align 8
  %is_more = icmp ugt i64 %now, %most
  br i1 %is_more, label %raise, label %done
raise:
  %most_before = atomicrmw umax ptr @most, i64 %now monotonic
  br label %done
done:
  ret void
}}

; how many bytes of freed blocks may be kept now
define internal i64 @limit() alwaysinline {{
  %most = load atomic i64, ptr @most monotonic, align 8
  %live = load atomic i64, ptr @live monotonic, align 8
  %quarter = lshr i64 %most, 2
  %bound = add i64 %most, %quarter
  %unused = sub i64 %bound, %live
  ; another thread may have come between the two loads
  %is_sane = icmp sgt i64 %unused, {POOL_LIMIT}
  %limit = select i1 %is_sane, i64 %unused, i64 {POOL_LIMIT}
  ret i64 %limit
}}

; memory from the system, of a large block on large pages, for which the system is asked only
define internal ptr @fresh(i64 %size) noinline {{
entry:
  %with_mark = add i64 %size, 16
  %is_large = icmp uge i64 %size, {LARGE_BLOCK}
  br i1 %is_large, label %large, label %small
small:
  %memory = call ptr @malloc(i64 %with_mark)
  ret ptr %memory
large:
  %rounded_up = add i64 %with_mark, {LARGE_PAGE - 1}
  %pages = and i64 %rounded_up, {-LARGE_PAGE}
  %aligned = call ptr @aligned_alloc(i64 {LARGE_PAGE}, i64 %pages)
  %is_null = icmp eq ptr %aligned, null
  br i1 %is_null, label %done, label %ask
ask:
  %status = call i32 @madvise(ptr %aligned, i64 %pages, i32 {_MADV_HUGEPAGE})
  br label %done
done:
  ret ptr %aligned
}}

define ptr @{ALLOCATE}(i64 %bytes) {{
entry:
  %is_huge = icmp ugt i64 %bytes, {LARGEST_KEPT}
  br i1 %is_huge, label %fresh, label %look
look:
  %class = call {{ i64, i64 }} @class(i64 %bytes)
  %number = extractvalue {{ i64, i64 }} %class, 0
  %class_size = extractvalue {{ i64, i64 }} %class, 1
  %first = mul i64 %number, {CLASS_BLOCKS}
  %behind = add i64 %first, {4 * CLASS_BLOCKS}
  %end = call i64 @llvm.umin.i64(i64 %behind, i64 {_SLOTS})
  br label %scan
scan:
  %i = phi i64 [ %first, %look ], [ %next, %continue ]
  %slot = getelementptr [{_SLOTS} x ptr], ptr @pool, i64 0, i64 %i
  %seen = load atomic ptr, ptr %slot monotonic, align 8
  %is_empty = icmp eq ptr %seen, null
  br i1 %is_empty, label %continue, label %take
take:
  %block = atomicrmw xchg ptr %slot, ptr null acq_rel
  %is_gone = icmp eq ptr %block, null
  br i1 %is_gone, label %continue, label %found
found:
  %size_at = getelementptr i8, ptr %block, i64 -8
  %block_size = load i64, ptr %size_at
  %before = atomicrmw sub ptr @pooled, i64 %block_size monotonic
  %hits_before = atomicrmw add ptr @hits, i64 1 monotonic
  call void @use(i64 %block_size)
  ret ptr %block
continue:
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %end
  br i1 %more, label %scan, label %fresh
fresh:
  %size = phi i64 [ %bytes, %entry ], [ %class_size, %continue ]
  %misses_before = atomicrmw add ptr @misses, i64 1 monotonic
  %memory = call ptr @fresh(i64 %size)
  %is_null = icmp eq ptr %memory, null
  br i1 %is_null, label %none, label %mark
none:
  ret ptr null
mark:
  %allocated_before = atomicrmw add ptr @allocated, i64 %size monotonic
  store i64 {_MARK}, ptr %memory
  %at = getelementptr i8, ptr %memory, i64 8
  store i64 %size, ptr %at
  call void @use(i64 %size)
  %result = getelementptr i8, ptr %memory, i64 16
  ret ptr %result
}}

define void @{FREE}(ptr %block) {{
entry:
  %is_null = icmp eq ptr %block, null
  br i1 %is_null, label %done, label %look
look:
  %start = getelementptr i8, ptr %block, i64 -16
  %mark = load i64, ptr %start
  %is_ours = icmp eq i64 %mark, {_MARK}
  br i1 %is_ours, label %ours, label %foreign
foreign:
  call void @free(ptr %block)
  ret void
ours:
  %size_at = getelementptr i8, ptr %block, i64 -8
  %size = load i64, ptr %size_at
  %live_before = atomicrmw sub ptr @live, i64 %size monotonic
  %is_huge = icmp ugt i64 %size, {LARGEST_KEPT}
  br i1 %is_huge, label %release, label %reserve
reserve:
  %before = atomicrmw add ptr @pooled, i64 %size monotonic
  %after = add i64 %before, %size
  %limit = call i64 @limit()
  %has_room = icmp ule i64 %after, %limit
  br i1 %has_room, label %put, label %make_room
make_room:
  %is_made = call i1 @evict(i64 %limit)
  br i1 %is_made, label %put, label %unreserve
put:
  %class = call {{ i64, i64 }} @class(i64 %size)
  %number = extractvalue {{ i64, i64 }} %class, 0
  %first = mul i64 %number, {CLASS_BLOCKS}
  %end = add i64 %first, {CLASS_BLOCKS}
  br label %scan
scan:
  %i = phi i64 [ %first, %put ], [ %next, %continue ]
  %slot = getelementptr [{_SLOTS} x ptr], ptr @pool, i64 0, i64 %i
  %seen = load atomic ptr, ptr %slot monotonic, align 8
  %is_empty = icmp eq ptr %seen, null
  br i1 %is_empty, label %try, label %continue
try:
  %exchange = cmpxchg ptr %slot, ptr null, ptr %block acq_rel monotonic
  %is_put = extractvalue {{ ptr, i1 }} %exchange, 1
  br i1 %is_put, label %done, label %continue
continue:
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %end
  br i1 %more, label %scan, label %unreserve
unreserve:
  %rest = atomicrmw sub ptr @pooled, i64 %size monotonic
  br label %release
release:
  store i64 0, ptr %start
  call void @free(ptr %start)
  ret void
done:
  ret void
}}

; give all freed blocks back to the system
define void @{RELEASE}() {{
  %done = call i1 @evict(i64 0)
  ret void
}}

; give blocks back until the limit is kept; false where none is left
define internal i1 @evict(i64 %limit) {{
entry:
  br label %step
step:
  %i = phi i64 [ 0, %entry ], [ %next, %continue ]
  %at = atomicrmw add ptr @hand, i64 1 monotonic
  %number = urem i64 %at, {_SLOTS}
  %slot = getelementptr [{_SLOTS} x ptr], ptr @pool, i64 0, i64 %number
  %seen = load atomic ptr, ptr %slot monotonic, align 8
  %is_empty = icmp eq ptr %seen, null
  br i1 %is_empty, label %continue, label %take
take:
  %block = atomicrmw xchg ptr %slot, ptr null acq_rel
  %is_gone = icmp eq ptr %block, null
  br i1 %is_gone, label %continue, label %drop
drop:
  %size_at = getelementptr i8, ptr %block, i64 -8
  %size = load i64, ptr %size_at
  %before = atomicrmw sub ptr @pooled, i64 %size monotonic
  %start = getelementptr i8, ptr %block, i64 -16
  store i64 0, ptr %start
  call void @free(ptr %start)
  %after = sub i64 %before, %size
  %is_enough = icmp ule i64 %after, %limit
  br i1 %is_enough, label %yes, label %continue
continue:
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, {_SLOTS}
  br i1 %more, label %step, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; hits, misses, allocated bytes, pooled bytes, the most bytes in use at one time
define void @{STATISTICS}(ptr %to) {{
  %hits = load atomic i64, ptr @hits monotonic, align 8
  %misses = load atomic i64, ptr @misses monotonic, align 8
  %allocated = load atomic i64, ptr @allocated monotonic, align 8
  %pooled = load atomic i64, ptr @pooled monotonic, align 8
  store i64 %hits, ptr %to
  %second = getelementptr i64, ptr %to, i64 1
  store i64 %misses, ptr %second
  %third = getelementptr i64, ptr %to, i64 2
  store i64 %allocated, ptr %third
  %fourth = getelementptr i64, ptr %to, i64 3
  store i64 %pooled, ptr %fourth
  %most = load atomic i64, ptr @most monotonic, align 8
  %fifth = getelementptr i64, ptr %to, i64 4
  store i64 %most, ptr %fifth
  ret void
}}
"""
