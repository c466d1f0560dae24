"""The C texts of a library: header, glue, example."""

from __future__ import annotations

from collections.abc import Sequence

from .c_interface import CInterface, InputTensor


def header(interface: CInterface) -> str:
    """Return the header: opening and closing a model, running it, giving results back."""
    name, guard = interface.name, f"{interface.name.upper()}_H"
    results = "\n".join(
        f"  struct {{\n    {one.type} *data; /* {one.text}, row-major */\n"
        f"    int64_t sizes[{max(one.rank, 1)}];\n    void *memory;\n  }} result{number};"
        for number, one in enumerate(interface.results)
    )
    sizes = "".join(f"   {symbol}: {_range(low, high)}\n" for symbol, low, high in interface.sizes)
    shapes = "".join(f"   {one.name}: {one.text}{', overwritten' if one.written else ''}\n" for one in interface.inputs)
    return f"""/* {name}: made by slipstick for {interface.target}. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* A model with its weights. Any number of threads may run one. */
typedef struct {name}_model {name}_model;

/* What a run returns: each result in memory of its own. half and bfloat are given as their bits. */
typedef struct {{
{results}
}} {name}_results;

/* Map the file of weights. NULL, and errno, where it cannot be read or has another size. */
{name}_model *{name}_open(const char *path);
void {name}_close({name}_model *model);

/* Run the model on row-major tensors. 0: results hold what it computed, to be released; else the number of an error.
{shapes}{sizes}*/
int {name}_run({_parameters(interface)});
void {name}_release({name}_results *results);

/* The text of an error's number. */
const char *{name}_error(int error);

#ifdef __cplusplus
}}
#endif
#endif
"""


def _range(low: int, high: int | None) -> str:
    return f"{low} or more" if high is None else f"{low} to {high}"


def _parameters(interface: CInterface) -> str:
    inputs = [f"{'' if one.written else 'const '}{one.type} *{one.name}" for one in interface.inputs]
    sizes = [f"int64_t {symbol}" for symbol, _, _ in interface.sizes]
    name = interface.name
    return ", ".join([f"const {name}_model *model", *inputs, *sizes, f"{name}_results *results"])


def source(interface: CInterface) -> str:
    """Return the glue: it maps weights, fills descriptors, calls native code and hands results out."""
    name = interface.name
    total = max((-(-one.bytes // 64) * 64 + one.offset for one in interface.state), default=0)
    messages = "".join(f"  {_quoted(message)},\n" for message in interface.messages)
    checks = "".join(_check(symbol, low, high) for symbol, low, high in interface.sizes)
    lines = [
        _descriptor(f"w{n}", f"(char *)model->weights + {one.offset}", [str(size) for size in one.shape])
        for n, one in enumerate(interface.state)
    ]
    used = [one for one in interface.inputs if one.native is not None]
    lines += [_descriptor(f"d_{one.name}", f"(void *){one.name}", one.shape) for one in used]
    first = 1 if interface.results else 0
    places = [f"  arguments[{one.native + first}] = w{n};" for n, one in enumerate(interface.state)]
    places += [f"  arguments[{_native(one) + first}] = d_{one.name};" for one in used]
    words = sum(3 + 2 * one.rank for one in interface.results)
    handed, word = [], 0
    for number, one in enumerate(interface.results):
        handed.append(f"  results->result{number}.memory = (void *)found[{word}];")
        handed.append(f"  results->result{number}.data = ({one.type} *)found[{word + 1}];")
        handed += [f"  results->result{number}.sizes[{d}] = found[{word + 3 + d}];" for d in range(one.rank)]
        word += 3 + 2 * one.rank
    count = interface.arguments + first + 1
    unused = "".join(f"  (void){one.name};\n" for one in interface.inputs if one.native is None)
    return f"""/* {name}: made by slipstick. A shared library of it:
 *   cc -O2 -shared -fPIC -o lib{name}.so {name}.c {name}.o {name}_support.o -lm
 * or a program, without a library:
 *   cc -O2 -o example example.c {name}.c {name}.o {name}_support.o -lm
 */
#define _POSIX_C_SOURCE 200809L
#include "{name}.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WEIGHT_BYTES {total}

struct {name}_model {{
  void *weights;
}};

/* Native code: an array of pointers, to the results, to a descriptor for each tensor, to a descriptor of the status. */
extern void {interface.entry}(void **arguments);
extern void _mlir_memref_to_llvm_free(void *memory);

static const char *const messages[] = {{
  "no error",
  "a size is outside its range",
{messages}}};

{name}_model *{name}_open(const char *path) {{
  {name}_model *model = malloc(sizeof *model);
  if (model == NULL)
    return NULL;
  model->weights = NULL;
  int file = open(path, O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {{
    int error = errno;
    if (file >= 0)
      close(file);
    free(model);
    errno = error;
    return NULL;
  }}
  if (status.st_size != WEIGHT_BYTES) {{
    close(file);
    free(model);
    errno = EINVAL;
    return NULL;
  }}
  if (WEIGHT_BYTES > 0) {{
    model->weights = mmap(NULL, WEIGHT_BYTES, PROT_READ, MAP_PRIVATE, file, 0);
    if (model->weights == MAP_FAILED) {{
      int error = errno;
      close(file);
      free(model);
      errno = error;
      return NULL;
    }}
  }}
  close(file);
  return model;
}}

void {name}_close({name}_model *model) {{
  if (model == NULL)
    return;
  if (model->weights != NULL)
    munmap(model->weights, WEIGHT_BYTES);
  free(model);
}}

const char *{name}_error(int error) {{
  int count = (int)(sizeof messages / sizeof messages[0]);
  return error >= 0 && error < count ? messages[error] : "an assertion failed";
}}

int {name}_run({_parameters(interface)}) {{
{checks}{unused}{"  (void)model;" + chr(10) if not interface.state else ""}{chr(10).join(lines)}
  int64_t status = 0;
  int64_t d_status[3] = {{(int64_t)&status, (int64_t)&status, 0}};
  int64_t found[{max(words, 1)}];
  void *arguments[{count}];
{"  arguments[0] = found;" if first else "  (void)found;"}
{chr(10).join(places)}
  arguments[{count - 1}] = d_status;
  {interface.entry}(arguments);
  if (status != 0)
    return (int)status + 1;
{chr(10).join(handed)}
  return 0;
}}

void {name}_release({name}_results *results) {{
{_release(len(interface.results))}}}
"""


def _native(one: InputTensor) -> int:
    assert one.native is not None
    return one.native


def _check(symbol: str, low: int, high: int | None) -> str:
    above = "" if high is None else f" || {symbol} > {high}"
    return f"  if ({symbol} < {low}{above})\n    return 1;\n"


def _descriptor(name: str, pointer: str, shape: Sequence[str]) -> str:
    """Return the declaration of a descriptor: pointer twice, offset, sizes, row-major strides."""
    strides = ["1"] if shape else []
    for size in reversed(shape[1:]):
        strides.append(f"({size}) * {strides[-1]}")
    words = [f"(int64_t)({pointer})", f"(int64_t)({pointer})", "0", *shape, *reversed(strides)]
    return f"  int64_t {name}[] = {{{', '.join(words)}}};"


def _release(count: int) -> str:
    """Return the statements that free each result's memory once: two results may share theirs."""
    if not count:
        return "  (void)results;\n"
    lines = [f"  void *memory[] = {{{', '.join(f'results->result{number}.memory' for number in range(count))}}};"]
    lines += [
        f"  for (int i = 0; i < {count}; i++) {{",
        "    int again = 0;",
        "    for (int j = 0; j < i; j++)",
        "      again |= memory[j] == memory[i];",
        "    if (!again)",
        "      _mlir_memref_to_llvm_free(memory[i]);",
        "  }",
        "  memset(results, 0, sizeof *results);",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def example(interface: CInterface) -> str:
    """Return a program that runs the model once, on ramps, and prints the sizes and the sum of each result."""
    name = interface.name
    sizes = "".join(f"  int64_t {symbol} = {max(low, 2)};\n" for symbol, low, _ in interface.sizes)
    inputs = "".join(
        f"  int64_t count_{one.name} = {' * '.join(f'({size})' for size in one.shape) or '1'};\n"
        f"  {one.type} *{one.name} = calloc(count_{one.name}, sizeof *{one.name});\n"
        f"  for (int64_t i = 0; i < count_{one.name}; i++)\n"
        f"    {one.name}[i] = ({one.type})({'i % 7 - 3' if one.type in ('float', 'double') else 'i % 2'});\n"
        for one in interface.inputs
    )
    symbols = [symbol for symbol, _, _ in interface.sizes]
    given = ", ".join(["model", *(one.name for one in interface.inputs), *symbols, "&results"])
    printed = []
    for number, one in enumerate(interface.results):
        result = f"results.result{number}"
        printed.append("  count = 1;\n  sum = 0;")
        printed += [f"  count *= {result}.sizes[{dim}];" for dim in range(one.rank)]
        printed.append(f"  for (int64_t i = 0; i < count; i++)\n    sum += (double){result}.data[i];")
        printed.append(f'  printf("result{number}: %lld elements, sum %.6g\\n", (long long)count, sum);')
    freed = "".join(f"  free({one.name});\n" for one in interface.inputs)
    return f"""/* Runs {name} once on ramps. Usage: example [FILE OF WEIGHTS] */
#include "{name}.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {{
  {name}_model *model = {name}_open(argc > 1 ? argv[1] : "{name}.weights");
  if (model == NULL) {{
    perror("{name}.weights");
    return 1;
  }}
{sizes}{inputs}  {name}_results results;
  int error = {name}_run({given});
  if (error != 0) {{
    fprintf(stderr, "{name}: %s\\n", {name}_error(error));
    return 1;
  }}
  int64_t count;
  double sum;
{chr(10).join(printed)}
  {name}_release(&results);
  {name}_close(model);
{freed}  return 0;
}}
"""
