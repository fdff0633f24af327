"""Which intent a sentence has: sentence embeddings, words and characters, one linear layer; with refusal.

The engine knows nothing of the shipped intents: it is fitted on any texts with any labels."""

from actors.nlp.classifier.model import Classifier
from actors.nlp.classifier.ranking import OUT_OF_SCOPE, Candidate, Ranking

__all__ = ["OUT_OF_SCOPE", "Candidate", "Classifier", "Ranking"]
