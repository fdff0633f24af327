"""Reading tokens: a cursor-free view that answers which word stands where."""

from __future__ import annotations

from dataclasses import dataclass

from actors.nlp.tokens import Token

NOTHING = Token("sign", "", 0, 0, glued=False)


@dataclass(frozen=True, slots=True)
class Sentence:
    tokens: tuple[Token, ...]

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, at: int) -> Token:
        return self.tokens[at] if 0 <= at < len(self.tokens) else NOTHING

    def word(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def follows(self, at: int, *words: str) -> bool:
        return all(self.word(at + offset) == word for offset, word in enumerate(words))

    def skip(self, at: int, *words: str) -> int:
        """Past one of the words, when it stands there."""
        return at + 1 if self.word(at) in words else at

    def past(self, at: int, *phrases: tuple[str, ...]) -> int:
        """Past the first of the phrases that stands there."""
        for phrase in phrases:
            if self.follows(at, *phrase):
                return at + len(phrase)
        return at
