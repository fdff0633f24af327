"""Pools of actors: what an actor is, who keeps them alive, on Ray or in this process."""
