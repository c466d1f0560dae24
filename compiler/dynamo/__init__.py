"""The backend of `torch.compile`: graphs of dynamo, forward and backward, compiled part by part."""
