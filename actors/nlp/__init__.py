"""The nlp pool: what was meant. Rules find entities, times and the intent; nothing here asks a backend."""
