"""The cases of `bench_transfer.py`: one module per question, and what they share."""
