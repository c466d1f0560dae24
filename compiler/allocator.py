"""Where compiled code gets memory: malloc, behind a pool of large blocks that were freed.

The intermediates of a graph are large and live for a part of one call. malloc takes such memory from the system and
gives it back, call after call, and each page costs a fault when it is first written. So up to 256 MiB of freed blocks
are kept, for any call of any compiled module, and given out again where they are at most twice as large as asked for.

A block has 16 bytes in front: a mark, by which what plain malloc gave is told from it, and its size in bytes. A slot of
the pool is emptied and filled by atomic operations: who has taken a pointer out of it owns the block.
"""

from __future__ import annotations

ALLOCATE = "_mlir_memref_to_llvm_alloc"
FREE = "_mlir_memref_to_llvm_free"
POOLED_BYTES = "slipstick_pooled_bytes"
NAMES = (ALLOCATE, FREE, POOLED_BYTES)
"""The first two are what MLIR calls with the option `use-generic-functions` of `finalize-memref-to-llvm`."""

POOL_LIMIT = 256 << 20
"""Bytes of freed blocks that are kept at most; POOL_BLOCKS blocks of at least SMALL bytes."""
POOL_BLOCKS = 32
SMALL = 64 << 10

_MARK = int.from_bytes(b"slipstik", "little")

LLVM_IR = f"""
declare ptr @malloc(i64)
declare void @free(ptr)

@pool = internal global [{POOL_BLOCKS} x ptr] zeroinitializer, align 64
@pooled = internal global i64 0, align 64

define ptr @{ALLOCATE}(i64 %bytes) {{
  %is_small = icmp ult i64 %bytes, {SMALL}
  br i1 %is_small, label %fresh, label %scan
scan:
  %i = phi i64 [ 0, %0 ], [ %next, %continue ]
  %slot = getelementptr [{POOL_BLOCKS} x ptr], ptr @pool, i64 0, i64 %i
  %seen = load atomic ptr, ptr %slot monotonic, align 8
  %is_empty = icmp eq ptr %seen, null
  br i1 %is_empty, label %continue, label %take
take:
  %block = atomicrmw xchg ptr %slot, ptr null acq_rel
  %is_gone = icmp eq ptr %block, null
  br i1 %is_gone, label %continue, label %look
look:
  %size_at = getelementptr i8, ptr %block, i64 -8
  %size = load i64, ptr %size_at
  %is_enough = icmp uge i64 %size, %bytes
  %half = lshr i64 %size, 1
  %is_close = icmp ule i64 %half, %bytes
  %fits = and i1 %is_enough, %is_close
  br i1 %fits, label %found, label %restore
found:
  %before = atomicrmw sub ptr @pooled, i64 %size monotonic
  ret ptr %block
restore:
  %put = cmpxchg ptr %slot, ptr null, ptr %block acq_rel monotonic
  %is_put = extractvalue {{ ptr, i1 }} %put, 1
  br i1 %is_put, label %continue, label %drop
drop:
  %dropped = atomicrmw sub ptr @pooled, i64 %size monotonic
  %start = getelementptr i8, ptr %block, i64 -16
  call void @free(ptr %start)
  br label %continue
continue:
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, {POOL_BLOCKS}
  br i1 %more, label %scan, label %fresh
fresh:
  %whole = add i64 %bytes, 16
  %memory = call ptr @malloc(i64 %whole)
  %is_null = icmp eq ptr %memory, null
  br i1 %is_null, label %none, label %mark
none:
  ret ptr null
mark:
  store i64 {_MARK}, ptr %memory
  %at = getelementptr i8, ptr %memory, i64 8
  store i64 %bytes, ptr %at
  %result = getelementptr i8, ptr %memory, i64 16
  ret ptr %result
}}

define void @{FREE}(ptr %block) {{
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
  %is_small = icmp ult i64 %size, {SMALL}
  br i1 %is_small, label %release, label %reserve
reserve:
  %before = atomicrmw add ptr @pooled, i64 %size monotonic
  %after = add i64 %before, %size
  %has_room = icmp ule i64 %after, {POOL_LIMIT}
  br i1 %has_room, label %scan, label %unreserve
scan:
  %i = phi i64 [ 0, %reserve ], [ %next, %continue ]
  %slot = getelementptr [{POOL_BLOCKS} x ptr], ptr @pool, i64 0, i64 %i
  %put = cmpxchg ptr %slot, ptr null, ptr %block acq_rel monotonic
  %is_put = extractvalue {{ ptr, i1 }} %put, 1
  br i1 %is_put, label %done, label %continue
continue:
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, {POOL_BLOCKS}
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

define i64 @{POOLED_BYTES}() {{
  %bytes = load atomic i64, ptr @pooled monotonic, align 8
  ret i64 %bytes
}}
"""
