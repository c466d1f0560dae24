"""The whole of a usual call in native code: LLVM IR that checks, calls and wraps, driven by a table.

Of tensors it asks what DLPack's C exchange API tells (`Tensor.__dlpack_c_exchange_api__`, DLPack 1.3): address, device,
dtype, sizes, strides. A call fits where the inputs are plain tensors of the dtypes and sizes in the table, contiguous,
and the state is the very objects in the table, lying where they lay. Any other call is left to Python. Tables hold
words of 8 bytes and never change, so that threads may share them:

    plan    api, code, inputs, their number, state, its number, results, their number, template, number of arguments,
            number of words, word of the results or -1, word of the status, threads (0: leave OpenMP alone)
    input   dtype and rank as DLTensor holds them, rank, descriptor tail, argument or -1, word of the descriptor
    state   dictionary, key, object, address, dtype and rank, rank, sizes, strides
    result  word of its descriptor, rank, dtype and rank

`template` is the array of arguments with those of the state filled in; the other words lie on the stack during a call.
"""

from __future__ import annotations

from . import allocator, team_code

CALL = "slipstick_call"
INPUT_WORDS = 5
STATE_WORDS = 8
RESULT_WORDS = 3

API = (
    "PyTuple_Size",
    "PyTuple_GetItem",
    "PyTuple_New",
    "PyTuple_SetItem",
    "PyDict_GetItemWithError",
    "PyErr_Clear",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyLong_FromLongLong",
    "Py_IncRef",
    "None",
    "Tensor",
    "Parameter",
    "dltensor_from_py_object_no_sync",
    "managed_tensor_to_py_object_no_sync",
    *team_code.API,
)
"""The table `api`: functions and objects by their addresses."""


def _load(name: str, table: str, number: int, type_: str = "i64") -> str:
    """Return the IR that loads word `number` of a table."""
    return f"""
  %{name}.at = getelementptr i64, ptr %{table}, i64 {number}
  %{name} = load {type_}, ptr %{name}.at"""


def _api(name: str, function: str) -> str:
    return _load(name, "api", API.index(function), "ptr")


# One module with that of `support`, `allocator` and `team_code`, which declare and define what it calls.
LLVM_IR = f"""
define internal void @release(ptr %managed) {{{_load("memory", "managed", 1, "ptr")}
  call void @{allocator.FREE}(ptr %memory)
  call void @{allocator.FREE}(ptr %managed)
  ret void
}}

; fill a DLTensor (data, device, rank and dtype, sizes, strides, byte offset) and compare it; the stride of a dimension
; of size one does not matter
define internal i1 @matches(ptr %api, ptr %object, ptr %tensor, i64 %form, i64 %rank, ptr %sizes, ptr %strides) {{
entry:{_api("describe", "dltensor_from_py_object_no_sync")}
  %code = call i32 %describe(ptr %object, ptr %tensor)
  %failed = icmp ne i32 %code, 0
  br i1 %failed, label %clear, label %head
clear:{_api("clear_error", "PyErr_Clear")}
  call void %clear_error()
  ret i1 false
head:{_load("device", "tensor", 1)}{_load("found_form", "tensor", 2)}{_load("found_sizes", "tensor", 3, "ptr")}
{_load("found_strides", "tensor", 4, "ptr")}
  %is_cpu = icmp eq i64 %device, 1
  %is_form = icmp eq i64 %found_form, %form
  %is_head = and i1 %is_cpu, %is_form
  br i1 %is_head, label %loop, label %no
loop:
  %i = phi i64 [ 0, %head ], [ %next, %step ]
  %more = icmp slt i64 %i, %rank
  br i1 %more, label %body, label %yes
body:
  %size_at = getelementptr i64, ptr %sizes, i64 %i
  %size = load i64, ptr %size_at
  %found_size_at = getelementptr i64, ptr %found_sizes, i64 %i
  %found_size = load i64, ptr %found_size_at
  %is_size = icmp eq i64 %size, %found_size
  br i1 %is_size, label %stride, label %no
stride:
  %stride_at = getelementptr i64, ptr %strides, i64 %i
  %stride_value = load i64, ptr %stride_at
  %found_stride_at = getelementptr i64, ptr %found_strides, i64 %i
  %found_stride = load i64, ptr %found_stride_at
  %is_stride = icmp eq i64 %stride_value, %found_stride
  %is_one = icmp eq i64 %size, 1
  %is_fine = or i1 %is_stride, %is_one
  br i1 %is_fine, label %step, label %no
step:
  %next = add i64 %i, 1
  br label %loop
yes:
  ret i1 true
no:
  ret i1 false
}}

define internal ptr @address(ptr %tensor) alwaysinline {{
{_load("data", "tensor", 0, "ptr")}{_load("bytes", "tensor", 5)}
  %address = getelementptr i8, ptr %data, i64 %bytes
  ret ptr %address
}}

; a tensor that owns the memory of a result; where an earlier result has it already, a copy
define internal ptr @wrap(ptr %api, ptr %words, ptr %results, i64 %number) {{
entry:
  %out = alloca ptr
  %own_place = mul i64 %number, {RESULT_WORDS}
  %record = getelementptr i64, ptr %results, i64 %own_place
{_load("word", "record", 0)}{_load("rank", "record", 1)}{_load("form", "record", 2)}
  %descriptor = getelementptr i64, ptr %words, i64 %word
{_load("memory", "descriptor", 0, "ptr")}{_load("data", "descriptor", 1, "ptr")}
  %sizes = getelementptr i64, ptr %descriptor, i64 3
  br label %earlier
earlier:
  %i = phi i64 [ 0, %entry ], [ %next, %compare ]
  %more = icmp slt i64 %i, %number
  br i1 %more, label %compare, label %make
compare:
  %next = add i64 %i, 1
  %other_place = mul i64 %i, {RESULT_WORDS}
  %other = getelementptr i64, ptr %results, i64 %other_place
{_load("other_word", "other", 0)}
  %other_descriptor = getelementptr i64, ptr %words, i64 %other_word
{_load("other_memory", "other_descriptor", 0, "ptr")}
  %is_shared = icmp eq ptr %memory, %other_memory
  br i1 %is_shared, label %count, label %earlier
count:
  %j = phi i64 [ 0, %compare ], [ %next_j, %multiply ]
  %elements = phi i64 [ 1, %compare ], [ %product, %multiply ]
  %more_j = icmp slt i64 %j, %rank
  br i1 %more_j, label %multiply, label %copy
multiply:
  %size_at = getelementptr i64, ptr %sizes, i64 %j
  %size = load i64, ptr %size_at
  %product = mul i64 %elements, %size
  %next_j = add i64 %j, 1
  br label %count
copy:
  %dtype = lshr i64 %form, 40
  %bits = and i64 %dtype, 255
  %all_bits = mul i64 %elements, %bits
  %bytes = lshr i64 %all_bits, 3
  %fresh = call ptr @{allocator.ALLOCATE}(i64 %bytes)
  call void @llvm.memcpy.p0.p0.i64(ptr %fresh, ptr %data, i64 %bytes, i1 false)
  br label %make
make:
  %owned = phi ptr [ %memory, %earlier ], [ %fresh, %copy ]
  %elements_at = phi ptr [ %data, %earlier ], [ %fresh, %copy ]
  %tail_bytes = shl i64 %rank, 4
  %managed_bytes = add i64 %tail_bytes, 80
  %managed = call ptr @{allocator.ALLOCATE}(i64 %managed_bytes)
  ; DLManagedTensorVersioned: version 1.0, context, deleter, flags, tensor
  store i64 1, ptr %managed
  %context = getelementptr i64, ptr %managed, i64 1
  store ptr %owned, ptr %context
  %deleter = getelementptr i64, ptr %managed, i64 2
  store ptr @release, ptr %deleter
  %flags = getelementptr i64, ptr %managed, i64 3
  store i64 0, ptr %flags
  %data_at = getelementptr i64, ptr %managed, i64 4
  store ptr %elements_at, ptr %data_at
  %device_at = getelementptr i64, ptr %managed, i64 5
  store i64 1, ptr %device_at
  %form_at = getelementptr i64, ptr %managed, i64 6
  store i64 %form, ptr %form_at
  %tail = getelementptr i64, ptr %managed, i64 10
  %sizes_at = getelementptr i64, ptr %managed, i64 7
  store ptr %tail, ptr %sizes_at
  %strides = getelementptr i64, ptr %tail, i64 %rank
  %strides_at = getelementptr i64, ptr %managed, i64 8
  store ptr %strides, ptr %strides_at
  %offset_at = getelementptr i64, ptr %managed, i64 9
  store i64 0, ptr %offset_at
  call void @llvm.memcpy.p0.p0.i64(ptr %tail, ptr %sizes, i64 %tail_bytes, i1 false)
  store ptr null, ptr %out{_api("convert", "managed_tensor_to_py_object_no_sync")}
  %code = call i32 %convert(ptr %managed, ptr %out)
  %result = load ptr, ptr %out
  ret ptr %result
}}

; the tuple of results; None where the call does not fit; the number of an assertion that failed; null with an error set
define ptr @{CALL}(ptr %plan, ptr %args) {{
entry:{_load("api", "plan", 0, "ptr")}{_load("code", "plan", 1, "ptr")}{_load("inputs", "plan", 2, "ptr")}
{_load("input_count", "plan", 3)}{_load("state", "plan", 4, "ptr")}{_load("state_count", "plan", 5)}
{_load("results", "plan", 6, "ptr")}{_load("result_count", "plan", 7)}{_load("template", "plan", 8, "ptr")}
{_load("argument_count", "plan", 9)}{_load("word_count", "plan", 10)}{_load("results_word", "plan", 11)}
{_load("status_word", "plan", 12)}{_load("threads", "plan", 13)}
{_api("plain_type", "Tensor")}{_api("parameter_type", "Parameter")}
  %tensor = alloca [6 x i64]
  %words = alloca i64, i64 %word_count, align 64
  %arguments = alloca ptr, i64 %argument_count
  %argument_bytes = shl i64 %argument_count, 3
  call void @llvm.memcpy.p0.p0.i64(ptr %arguments, ptr %template, i64 %argument_bytes, i1 false)
{_api("tuple_size", "PyTuple_Size")}{_api("tuple_item", "PyTuple_GetItem")}{_api("lookup", "PyDict_GetItemWithError")}
  %count = call i64 %tuple_size(ptr %args)
  %is_count = icmp eq i64 %count, %input_count
  br i1 %is_count, label %input_loop, label %misfit

input_loop:
  %i = phi i64 [ 0, %entry ], [ %next_i, %input_done ]
  %more_i = icmp slt i64 %i, %input_count
  br i1 %more_i, label %input_type, label %state_loop
input_type:
  %object = call ptr %tuple_item(ptr %args, i64 %i)
{_load("type", "object", 1, "ptr")}
  %is_plain = icmp eq ptr %type, %plain_type
  %is_parameter = icmp eq ptr %type, %parameter_type
  %is_tensor = or i1 %is_plain, %is_parameter
  br i1 %is_tensor, label %input_check, label %misfit
input_check:
  %input_place = mul i64 %i, {INPUT_WORDS}
  %input = getelementptr i64, ptr %inputs, i64 %input_place
{_load("form", "input", 0)}{_load("rank", "input", 1)}{_load("tail", "input", 2, "ptr")}
{_load("position", "input", 3)}{_load("word", "input", 4)}
  %sizes = getelementptr i64, ptr %tail, i64 1
  %strides = getelementptr i64, ptr %sizes, i64 %rank
  %fits = call i1 @matches(ptr %api, ptr %object, ptr %tensor, i64 %form, i64 %rank, ptr %sizes, ptr %strides)
  br i1 %fits, label %input_use, label %misfit
input_use:
  %is_used = icmp sge i64 %position, 0
  br i1 %is_used, label %input_fill, label %input_done
input_fill:
  %data = call ptr @address(ptr %tensor)
  %descriptor = getelementptr i64, ptr %words, i64 %word
  store ptr %data, ptr %descriptor
  %aligned = getelementptr i64, ptr %descriptor, i64 1
  store ptr %data, ptr %aligned
  %rest = getelementptr i64, ptr %descriptor, i64 2
  %rest_pairs = shl i64 %rank, 4
  %rest_bytes = add i64 %rest_pairs, 8
  call void @llvm.memcpy.p0.p0.i64(ptr %rest, ptr %tail, i64 %rest_bytes, i1 false)
  %argument = getelementptr ptr, ptr %arguments, i64 %position
  store ptr %descriptor, ptr %argument
  br label %input_done
input_done:
  %next_i = add i64 %i, 1
  br label %input_loop

state_loop:
  %s = phi i64 [ 0, %input_loop ], [ %next_s, %state_done ]
  %more_s = icmp slt i64 %s, %state_count
  br i1 %more_s, label %state_object, label %run
state_object:
  %state_place = mul i64 %s, {STATE_WORDS}
  %kept = getelementptr i64, ptr %state, i64 %state_place
{_load("dictionary", "kept", 0, "ptr")}{_load("key", "kept", 1, "ptr")}{_load("kept_object", "kept", 2, "ptr")}
  %found_object = call ptr %lookup(ptr %dictionary, ptr %key)
  %is_same = icmp eq ptr %found_object, %kept_object
  br i1 %is_same, label %state_check, label %misfit
state_check:
{_load("kept_address", "kept", 3, "ptr")}{_load("kept_form", "kept", 4)}{_load("kept_rank", "kept", 5)}
{_load("kept_sizes", "kept", 6, "ptr")}{_load("kept_strides", "kept", 7, "ptr")}
  %stays = call i1 @matches(ptr %api, ptr %found_object, ptr %tensor, i64 %kept_form, i64 %kept_rank,
                            ptr %kept_sizes, ptr %kept_strides)
  br i1 %stays, label %state_address, label %misfit
state_address:
  %found_address = call ptr @address(ptr %tensor)
  %is_there = icmp eq ptr %found_address, %kept_address
  br i1 %is_there, label %state_done, label %misfit
state_done:
  %next_s = add i64 %s, 1
  br label %state_loop

run:
  %status = getelementptr i64, ptr %words, i64 %status_word
  store i64 0, ptr %status
  %status_pointer = getelementptr i64, ptr %status, i64 1
  store ptr %status, ptr %status_pointer
  %status_aligned = getelementptr i64, ptr %status, i64 2
  store ptr %status, ptr %status_aligned
  %status_offset = getelementptr i64, ptr %status, i64 3
  store i64 0, ptr %status_offset
  %last = sub i64 %argument_count, 1
  %status_argument = getelementptr ptr, ptr %arguments, i64 %last
  store ptr %status_pointer, ptr %status_argument
  %has_results = icmp sge i64 %results_word, 0
  br i1 %has_results, label %with_results, label %unlock
with_results:
  %results_at = getelementptr i64, ptr %words, i64 %results_word
  store ptr %results_at, ptr %arguments
  br label %unlock
unlock:
{_api("save", "PyEval_SaveThread")}{_api("restore", "PyEval_RestoreThread")}
  %thread = call ptr %save()
  %is_team = icmp sgt i64 %threads, 0
  br i1 %is_team, label %team, label %call
team:
  %openmp = getelementptr i64, ptr %api, i64 {API.index(team_code.API[0])}
  %threads32 = trunc i64 %threads to i32
  call void @{team_code.ENTER}(ptr %openmp, i32 %threads32)
  br label %call
call:
  call void %code(ptr %arguments)
  call void %restore(ptr %thread)
  %status_value = load i64, ptr %status
  %is_good = icmp eq i64 %status_value, 0
  br i1 %is_good, label %collect, label %failed
failed:
{_api("number", "PyLong_FromLongLong")}
  %status_object = call ptr %number(i64 %status_value)
  ret ptr %status_object
collect:
{_api("new_tuple", "PyTuple_New")}{_api("set_item", "PyTuple_SetItem")}
  %tuple = call ptr %new_tuple(i64 %result_count)
  br label %result_loop
result_loop:
  %r = phi i64 [ 0, %collect ], [ %next_r, %result_put ]
  %more_r = icmp slt i64 %r, %result_count
  br i1 %more_r, label %result_wrap, label %done
result_wrap:
  %wrapped = call ptr @wrap(ptr %api, ptr %words, ptr %results, i64 %r)
  %is_wrapped = icmp ne ptr %wrapped, null
  br i1 %is_wrapped, label %result_put, label %error
result_put:
  %put = call i32 %set_item(ptr %tuple, i64 %r, ptr %wrapped)
  %next_r = add i64 %r, 1
  br label %result_loop
done:
  ret ptr %tuple
error:
  ret ptr null

misfit:
{_api("none", "None")}{_api("retain", "Py_IncRef")}
  call void %retain(ptr %none)
  ret ptr %none
}}
"""
