"""Scoring of understanding on annotated data; nothing here is used in a conversation."""
