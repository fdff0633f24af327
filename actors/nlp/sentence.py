"""Reading tokens: a cursor-free view that answers which word stands where."""

from __future__ import annotations

from actors.nlp.tokens import Token

NOTHING = Token("sign", "", 0, 0, glued=False)


class Sentence:
    """Asking beyond either end answers with nothing."""

    __slots__ = ("_length", "_words", "tokens")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self._words = tuple(token.text for token in tokens)
        self._length = len(tokens)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, at: int) -> Token:
        return self.tokens[at] if 0 <= at < self._length else NOTHING

    def word(self, at: int) -> str:
        return self._words[at] if 0 <= at < self._length else ""

    def follows(self, at: int, *words: str) -> bool:
        return at >= 0 and self._words[at : at + len(words)] == words

    def skip(self, at: int, *words: str) -> int:
        """Past one of the words, when it stands there."""
        return at + 1 if self.word(at) in words else at

    def past(self, at: int, *phrases: tuple[str, ...]) -> int:
        """Past the first of the phrases that stands there."""
        for phrase in phrases:
            if self.follows(at, *phrase):
                return at + len(phrase)
        return at
