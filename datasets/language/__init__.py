"""A small language model trained here on real text, and what SkipDecode's schedules do to it.

Text (`documents`, `corpus`), a model of OPT's architecture and its forward pass along a schedule (`model`), training
that can be stopped and goes on where it was (`train`), quality (`quality`). Nothing of text or weights ships.
"""
