"""Entering a call on several threads: LLVM IR that sets OpenMP's threads and sees that each has a CPU of its own.

Threads that sleep are woken by the first parallel region of a call, and the kernel may put one beside the caller, on
the caller's CPU, though others are idle: in a virtual machine a CPU that idles may count as taken from the machine.
There it stays, for as both give way to each other while they wait neither seems worth moving: for several milliseconds
the work of two threads takes as long as that of one. So where the threads of a team may sleep, they are woken before
the call by a region that does nothing else: each takes the CPU that it is on, and whoever finds it taken moves to
another one. Nobody stays bound: each may run afterwards wherever it might before, and the caller never moves.

A call that comes while they still spin finds the moment of the last one in a table, and costs two looks at it.
"""

from __future__ import annotations

from .openmp import SPIN_MILLISECONDS

ENTER = "slipstick_enter_team"
TAKE = "slipstick_take_cpu"
NAMES = (ENTER, TAKE)

API = ("omp_set_num_threads", "kmp_set_blocktime", "__kmpc_global_thread_num", "__kmpc_fork_call")
"""The table `openmp`: functions of the run time by their addresses, which support code alone would load for nothing."""

_CALLERS = 256
"""Places for the moments of callers, by their number in OpenMP: two of one place wake their threads once too often, or
now and then not at all, which costs them time alone."""
_SET_WORDS = 16
_SET_BYTES = 8 * _SET_WORDS
_SET_BITS = 64 * _SET_WORDS
_MONOTONIC = 1


def _function(name: str, function: str) -> str:
    """Return the IR that loads an address out of the table `openmp`."""
    return f"""
  %{name}.at = getelementptr ptr, ptr %openmp, i64 {API.index(function)}
  %{name} = load ptr, ptr %{name}.at"""


LLVM_IR = f"""
declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @sched_setaffinity(i32, i64, ptr)
declare i32 @clock_gettime(i32, ptr)

@entered = internal global [{_CALLERS} x i64] zeroinitializer, align 64
@nowhere = internal constant [23 x i8] c";unknown;unknown;0;0;;\\00"
@team_place = internal global {{ i32, i32, i32, i32, ptr }} {{ i32 0, i32 2, i32 0, i32 22, ptr @nowhere }}

; put the calling thread's CPU into a set of {_SET_BITS}; whether it was in it
define internal i1 @claim_cpu(ptr %taken) {{
entry:
  %cpu = call i32 @sched_getcpu()
  %has_room = icmp ult i32 %cpu, {_SET_BITS}
  br i1 %has_room, label %put, label %none
put:
  %number = zext i32 %cpu to i64
  %word = lshr i64 %number, 6
  %place = and i64 %number, 63
  %bit = shl i64 1, %place
  %at = getelementptr i64, ptr %taken, i64 %word
  %before = atomicrmw or ptr %at, i64 %bit monotonic
  %had = and i64 %before, %bit
  %was_in = icmp ne i64 %had, 0
  ret i1 %was_in
none:
  ret i1 false
}}

; take the CPU that the calling thread is on, or where that is taken move to one that is not, if the thread may
define void @{TAKE}(ptr %taken) {{
entry:
  %allowed = alloca [{_SET_WORDS} x i64], align 64
  %wanted = alloca [{_SET_WORDS} x i64], align 64
  %was_in = call i1 @claim_cpu(ptr %taken)
  br i1 %was_in, label %ask, label %done
ask:
  call void @llvm.memset.p0.i64(ptr %allowed, i8 0, i64 {_SET_BYTES}, i1 false)
  %asked = call i32 @sched_getaffinity(i32 0, i64 {_SET_BYTES}, ptr %allowed)
  %is_known = icmp eq i32 %asked, 0
  br i1 %is_known, label %loop, label %done
loop:
  %i = phi i64 [ 0, %ask ], [ %next, %loop ]
  %some = phi i64 [ 0, %ask ], [ %more, %loop ]
  %taken_at = getelementptr i64, ptr %taken, i64 %i
  %taken_word = load atomic i64, ptr %taken_at monotonic, align 8
  %allowed_at = getelementptr i64, ptr %allowed, i64 %i
  %allowed_word = load i64, ptr %allowed_at
  %free = xor i64 %taken_word, -1
  %wanted_word = and i64 %allowed_word, %free
  %wanted_at = getelementptr i64, ptr %wanted, i64 %i
  store i64 %wanted_word, ptr %wanted_at
  %more = or i64 %some, %wanted_word
  %next = add i64 %i, 1
  %is_end = icmp eq i64 %next, {_SET_WORDS}
  br i1 %is_end, label %choose, label %loop
choose:
  %has_free = icmp ne i64 %more, 0
  br i1 %has_free, label %move, label %done
move:
  %moved = call i32 @sched_setaffinity(i32 0, i64 {_SET_BYTES}, ptr %wanted)
  %again = call i1 @claim_cpu(ptr %taken)
  %restored = call i32 @sched_setaffinity(i32 0, i64 {_SET_BYTES}, ptr %allowed)
  br label %done
done:
  ret void
}}

; what each thread of the team runs; the caller has taken its CPU before
define internal void @spread(ptr %number_at, ptr %bound_at, ptr %taken, ptr %caller_at) {{
entry:
  %number = load i32, ptr %number_at
  %caller = load i32, ptr %caller_at
  %is_caller = icmp eq i32 %number, %caller
  br i1 %is_caller, label %done, label %take
take:
  call void @{TAKE}(ptr %taken)
  br label %done
done:
  ret void
}}

; set how many threads the calling thread's parallel regions run with; wake them if they may sleep
define void @{ENTER}(ptr %openmp, i32 %threads) {{
entry:
  %time = alloca [2 x i64]
  %taken = alloca [{_SET_WORDS} x i64], align 64
  %caller_at = alloca i32
{_function("set_threads", "omp_set_num_threads")}{_function("set_blocktime", "kmp_set_blocktime")}
{_function("number_of", "__kmpc_global_thread_num")}{_function("fork", "__kmpc_fork_call")}
  call void %set_threads(i32 %threads)
  call void %set_blocktime(i32 {SPIN_MILLISECONDS})
  %caller = call i32 %number_of(ptr @team_place)
  %unknown = call i32 @clock_gettime(i32 {_MONOTONIC}, ptr %time)
  %seconds = load i64, ptr %time
  %part_at = getelementptr i64, ptr %time, i64 1
  %part = load i64, ptr %part_at
  %whole = mul i64 %seconds, 1000000000
  %now = add i64 %whole, %part
  %place = and i32 %caller, {_CALLERS - 1}
  %entered_at = getelementptr i64, ptr @entered, i32 %place
  %before = load atomic i64, ptr %entered_at monotonic, align 8
  store atomic i64 %now, ptr %entered_at monotonic, align 8
  %since = sub i64 %now, %before
  %may_sleep = icmp ugt i64 %since, {SPIN_MILLISECONDS * 1_000_000}
  br i1 %may_sleep, label %wake, label %done
wake:
  call void @llvm.memset.p0.i64(ptr %taken, i8 0, i64 {_SET_BYTES}, i1 false)
  %was_in = call i1 @claim_cpu(ptr %taken)
  store i32 %caller, ptr %caller_at
  call void (ptr, i32, ptr, ...) %fork(ptr @team_place, i32 2, ptr @spread, ptr %taken, ptr %caller_at)
  br label %done
done:
  ret void
}}
"""
