"""The labelled corpus: kernels of all workloads and schedules, compiled for several CPUs, simulated and measured."""
