"""Shows what was measured of generation: tables on the terminal, pictures as SVG."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from ..target import MIB
from .bench_generate_measure import Figures


def print_report(found: Figures, console: Console) -> None:
    """Print memory, the steps of each depth, and the generations along schedules, with pictures of these."""
    request = found.request
    console.print(
        f"\n[bold]{request.model}[/]: {found.layers} layers, batch {request.batch}, prompt {request.prompt}, "
        f"{request.new} new tokens, weights {request.weights}{', L-Mul' if request.lmul else ''}, "
        f"{request.threads} thread{'s' if request.threads > 1 else ''}",
        soft_wrap=True,
    )
    console.print(
        f"memory: weights {found.weight_bytes / MIB:,.1f} MiB, one copy for {len(found.steps)} depths; "
        f"caches {found.cache_bytes / MIB:,.1f} MiB; workspace {found.workspace_bytes / 1024:,.0f} KiB\n"
        f"compiled in {found.compile_seconds:.1f} s",
        soft_wrap=True,
    )
    console.print(_steps_table(found))
    half, fifth = (found.bytes.nominal(share * found.layers) for share in (0.5, 0.2))
    console.print(
        f"a step reads {found.bytes.rest / MIB:,.1f} MiB of language head at every depth and "
        f"{found.bytes.layer / MIB:,.1f} MiB a layer, caches included: by its bytes, half the layers can be "
        f"{half:.2f}x as fast, a fifth {fifth:.2f}x",
        soft_wrap=True,
    )
    console.print(f"allocations in all timed steps: {found.allocations}")
    console.print(_runs_table(found))
    prefill, others = found.prefill.median, found.torch_prefill
    beside = "" if others is None else f"; torch eager {others.median * 1e3:.0f} ms, {others.median / prefill:.2f}x"
    console.print(f"prompts: {prefill * 1e3:.0f} ms{beside}", soft_wrap=True)
    for run in found.runs:
        if run.schedule is not None:
            console.print(f"\n{run.name}", run.schedule.text(found.layers), sep="\n", markup=False)


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _steps_table(found: Figures) -> Table:
    table = _table("depth", "step", "±", "nominal", "measured", "ratio")
    for depth, timing in found.steps.items():
        nominal, measured = found.bytes.nominal(depth), found.measured(depth)
        spread = (timing.high - timing.low) / 2
        cells = (f"{timing.median * 1e3:.2f} ms", f"{spread * 1e3:.2f}", f"{nominal:.2f}x", f"{measured:.2f}x")
        table.add_row(str(depth), *cells, f"{measured / nominal:.2f}")
    if found.torch_step is not None:
        speed = found.steps[found.layers].median / found.torch_step.median
        table.add_row("torch eager", f"{found.torch_step.median * 1e3:.2f} ms", "", "", f"{speed:.2f}x", "")
    return table


def _runs_table(found: Figures) -> Table:
    table = _table("generation", "depth", "tokens/s", "nominal", "measured", "ratio", "of torch")
    for run in found.runs:
        of_torch = ""
        if found.torch_step is not None:
            of_torch = f"{run.tokens_per_second * found.torch_step.median / found.request.batch:.2f}x"
        table.add_row(
            run.name,
            f"{run.mean_depth:.2f}",
            f"{run.tokens_per_second:.1f}",
            f"{run.nominal:.2f}x",
            f"{run.measured:.2f}x",
            f"{run.measured / run.nominal:.2f}",
            of_torch,
        )
    return table


def plot(found: Figures) -> str:
    """Return an SVG file: the layers that run at each position, and speed-ups by depth."""
    from ..datasets.skip_picture import draw_schedule
    from .plots import as_svg, new_figure, on_its_own

    drawn = [(run.name, run.schedule) for run in found.runs if run.schedule is not None]
    figure = new_figure(7.5, 2.6 * (len(drawn) + 1))
    parts = figure.subplots(len(drawn) + 1, 1, squeeze=False)[:, 0]
    for axes, (name, schedule) in zip(parts, drawn, strict=False):
        draw_schedule(axes, schedule, found.layers)
        axes.set_title(f"{name}: mean depth {schedule.mean_depth():.2f}", fontsize=9)
    depths = list(found.steps)
    parts[-1].plot(depths, [found.bytes.nominal(depth) for depth in depths], "--", color="#7f7f7f", label="nominal")
    parts[-1].plot(depths, [found.measured(depth) for depth in depths], "o-", color="#2f81f7", label="measured")
    parts[-1].set_xlabel("layers that run")
    parts[-1].set_ylabel("speed-up")
    parts[-1].legend()
    return on_its_own(as_svg(figure))
