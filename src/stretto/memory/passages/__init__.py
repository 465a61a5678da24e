"""Documents cut into passages, and passages into sentences, each with the lines it stands on."""

from stretto.memory.passages.cut import cut
from stretto.memory.passages.passage import Passage, PassageKind
from stretto.memory.passages.sentences import Sentence, sentences, squeeze

__all__ = ["Passage", "PassageKind", "Sentence", "cut", "sentences", "squeeze"]
