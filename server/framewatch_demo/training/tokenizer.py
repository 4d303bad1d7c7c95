"""Tokenizer of the demo model: CLIP's lower-casing byte-level BPE with a small vocabulary; it takes any text."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from framewatch_demo.training.meanings import corpus

MAX_TOKENS = 77
_MERGES = 900
_COMMON_WEIGHT = 3
_START, _END, _WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
_COMMON_WORDS = """
about above across after again against all almost along already also always among an and animal another any are around
as at away back bad be because been before behind below beside between big bike bird black blue boat both bright
broken brown building bus but by came can cat chair child children city clean clear closed cloud coat cold come could
cow dark day dirty do does done down each eat empty end entrance even ever every far few field fire first floor flower
food for forklift from front full garden girl give glass go good grass green grey ground group hand has hat have he
head helmet her here high him his horse hot house how human if in indoor inside into is it its just kitchen lamp large
last left less light like line little long look lorry low machine made make man many may metal middle more morning
most motorcycle much near never new next night no not now object of off office old on one only open or orange other
our out outdoor outside over pallet paper part path picture place plant plastic purple rain red right river road robot
roof same sea she show side sign sky small smoke snow so some stairs standing stands still stone street such sun table
tall than that the their them then there these they thing things this those three through time to together top toward
train traffic tree truck turn two umbrella under up upon use van very walking wall warehouse was watching water way we
well were wet wheel when where which while white who wide will window with without woman wood wooden word work worker
world would yellow yes you young zero
"""


def build_tokenizer() -> CLIPTokenizer:
    """Learns the tokenizer from the demo captions and common words; the result is always the same."""
    merges = _learn_merges([*corpus(), *_COMMON_WORDS.split() * _COMMON_WEIGHT])
    alphabet = sorted(ByteLevel.alphabet())
    tokens = [_START, _END, *alphabet, *(letter + _WORD_END for letter in alphabet), *(a + b for a, b in merges)]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    # transformers passes the pairs to tokenizers unchanged; its annotation wants strings.
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)  # type: ignore[arg-type]


def _learn_merges(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the merges of byte pair encoding, best first.

    The trainer of the library tokenizers breaks ties differently on every run.
    """
    words = _count_words(texts)
    merges: list[tuple[str, str]] = []
    while len(merges) < _MERGES:
        counts: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                counts[pair] += count
        best = max(counts, key=lambda pair: (counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        merges.append(best)
        words = {_merge(word, best): count for word, count in words.items()}
    return merges


def _count_words(texts: Iterable[str]) -> dict[tuple[str, ...], int]:
    """Counts the words; each is the tuple of its letters, the last with the end mark."""
    template = CLIPTokenizer().backend_tokenizer
    split = template.pre_tokenizer.pre_tokenize_str
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in split(template.normalizer.normalize_str(text)))
    return {(*word[:-1], word[-1] + _WORD_END): count for word, count in sorted(counts.items())}


def _merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    merged: list[str] = []
    for symbol in word:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return tuple(merged)
