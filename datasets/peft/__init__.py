"""Parameter-efficient fine-tuning as graphs: one for every shape of computation that the survey and `peft` name."""
