"""What is said: payloads, subjects and errors. pydantic and the standard library only; no I/O."""
