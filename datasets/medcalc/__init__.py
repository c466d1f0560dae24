"""The 55 clinical calculators of MedCalc-Bench as batched torch modules, and the data set's reader and evaluator.

Khandekar et al., "MedCalc-Bench: Evaluating Large Language Models for Medical Calculations", NeurIPS 2024 (arXiv
2406.12036). Every calculator is the published formula; where the data set's labels follow another one, they disagree
and `disagreements` says why. None of the data set ships with slipstick. These modules are workloads for a compiler: no
medical device, not for use on patients.
"""
