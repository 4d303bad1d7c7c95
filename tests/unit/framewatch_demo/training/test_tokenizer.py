"""The demo tokenizer."""

import pytest

from framewatch_demo.training.tokenizer import MAX_TOKENS, build_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


@pytest.mark.parametrize(
    "text",
    [
        "a box on a belt",
        "Ünïcode 🤖",
        "猫がいる部屋",
        "x" * 50,
        "tab\tand\nline",
        "50 % <b>&amp;</b>",
        "\u202eright to left",
    ],
)
def test_any_text_comes_back(tokenizer, text: str) -> None:
    tokens = tokenizer(text, truncation=True, max_length=MAX_TOKENS)["input_ids"]
    assert tokens[0] == tokenizer.bos_token_id
    assert tokens[-1] == tokenizer.eos_token_id
    assert tokens.count(tokenizer.eos_token_id) == 1
    back = tokenizer.decode(tokens, skip_special_tokens=True)
    assert "".join(back.split()) == "".join(text.lower().split())


def test_too_long_a_text_is_cut(tokenizer) -> None:
    tokens = tokenizer("a box and " * 100, truncation=True, max_length=MAX_TOKENS)["input_ids"]
    assert len(tokens) == MAX_TOKENS
    assert tokens[-1] == tokenizer.eos_token_id


def test_it_is_the_same_every_time(tokenizer) -> None:
    assert tokenizer.get_vocab() == build_tokenizer().get_vocab()


def test_caption_words_are_whole_tokens(tokenizer) -> None:
    assert len(tokenizer("a person in an empty room")["input_ids"]) == 8
