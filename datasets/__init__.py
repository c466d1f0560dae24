"""Workloads (transformers, SkipDecode paths, PEFT graphs, MedCalc calculators) and labelled corpora."""
