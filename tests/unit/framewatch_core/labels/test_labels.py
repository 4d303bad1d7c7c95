from __future__ import annotations

import pytest

from framewatch_core.errors import FieldError, InvalidLabelSet, LimitExceeded
from framewatch_core.images.image import EncodedImage, Image, ImageKey
from framewatch_core.labels.labels import DEFAULT_CONTRAST, Label, LabelSet


@pytest.mark.parametrize(
    ("label_set", "expected"),
    [
        pytest.param(LabelSet.of(["box"]), (("a photo of box",),), id="default template"),
        pytest.param(LabelSet.of(["a box", "b"], []), (("a box",), ("b",)), id="no template"),
        pytest.param(LabelSet.of(["box"], ["{label} here", "see {label}"]), (("box here", "see box"),), id="several"),
        pytest.param(
            LabelSet((Label("box", ("a crate", "a parcel")), Label("b"))),
            (("a crate", "a parcel"), ("a photo of b",)),
            id="own prompts are verbatim",
        ),
        pytest.param(LabelSet.of(["{x} {0}"], ["{label}!"]), (("{x} {0}!",),), id="braces in names stay"),
    ],
)
def test_prompts(label_set: LabelSet, expected: tuple[tuple[str, ...], ...]) -> None:
    assert label_set.prompts() == expected


@pytest.mark.parametrize(
    ("names", "templates", "error", "field"),
    [
        pytest.param([], None, InvalidLabelSet, "labels", id="no labels"),
        pytest.param(["a", "b", "a"], None, InvalidLabelSet, "labels[2].name", id="repeated name"),
        pytest.param(["a"], ["no placeholder"], InvalidLabelSet, "templates.templates[0]", id="no placeholder"),
        pytest.param(["a"], ["{label}", "{label}{label}"], InvalidLabelSet, "templates.templates[1]", id="placeholder twice"),
        pytest.param(["a"], [""], InvalidLabelSet, "templates.templates[0]", id="empty template"),
        pytest.param(["a"], ["{label}"] * 129, LimitExceeded, "templates.templates", id="too many templates"),
        pytest.param(["a"], ["{label}" + "x" * 1000], LimitExceeded, "templates.templates[0]", id="long template"),
        pytest.param([str(i) for i in range(1001)], None, LimitExceeded, "labels", id="too many labels"),
        pytest.param([str(i) for i in range(1000)], ["{label} 1"] * 11, LimitExceeded, "labels", id="too many prompts in all"),
    ],
)  # fmt: skip
def test_impossible_sets_name_their_field(
    names: list[str], templates: list[str] | None, error: type[FieldError], field: str
) -> None:
    with pytest.raises(error) as caught:
        LabelSet.of(names, templates)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "prompts", "error", "field"),
    [
        pytest.param("", (), InvalidLabelSet, "name", id="no name"),
        pytest.param("  ", (), InvalidLabelSet, "name", id="blank name"),
        pytest.param("x" * 257, (), LimitExceeded, "name", id="long name"),
        pytest.param("x", ("",), InvalidLabelSet, "prompts[0]", id="empty prompt"),
        pytest.param("x", ("a", "y" * 2001), LimitExceeded, "prompts[1]", id="long prompt"),
        pytest.param("x", ("a",) * 33, LimitExceeded, "prompts", id="many prompts"),
    ],
)
def test_impossible_labels_name_their_field(
    name: str, prompts: tuple[str, ...], error: type[FieldError], field: str
) -> None:
    with pytest.raises(error) as caught:
        Label(name, prompts)
    assert caught.value.field == field


PICTURE, OTHER = EncodedImage(b"x"), EncodedImage(b"y")


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        pytest.param({"contrast_prompts": ("a", " ")}, InvalidLabelSet, "contrast_prompts[1]", id="blank contrast"),
        pytest.param({"contrast_prompts": ("a",) * 33}, LimitExceeded, "contrast_prompts", id="many contrasts"),
        pytest.param({"contrast_prompts": ("y" * 2001,)}, LimitExceeded, "contrast_prompts[0]", id="long contrast"),
        pytest.param({"examples": (PICTURE,)}, InvalidLabelSet, "counter_examples", id="examples alone"),
        pytest.param({"counter_examples": (PICTURE,)}, InvalidLabelSet, "examples", id="counter-examples alone"),
        pytest.param(
            {"examples": (PICTURE,) * 65, "counter_examples": (PICTURE,)}, LimitExceeded, "examples", id="many examples"
        ),
        pytest.param(
            {"examples": (PICTURE,), "counter_examples": (PICTURE,) * 65},
            LimitExceeded,
            "counter_examples",
            id="many counter-examples",
        ),
    ],
)
def test_impossible_contrasts_and_examples_name_their_field(
    fields: dict[str, tuple[object, ...]], error: type[FieldError], field: str
) -> None:
    with pytest.raises(error) as caught:
        Label("x", **fields)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_examples_of_a_set_are_bounded_together() -> None:
    def labels(count: int) -> LabelSet:
        return LabelSet(tuple(Label(str(i), (), (), (PICTURE,) * 64, (PICTURE,) * 64) for i in range(count)))

    assert len(labels(4).labels) == 4
    with pytest.raises(LimitExceeded) as caught:
        labels(5)
    assert caught.value.metadata == {"limit": "max_examples", "maximum": "512", "actual": "640"}
    assert caught.value.field == "labels"


def test_contrasts_count_among_the_prompts_of_a_set() -> None:
    with pytest.raises(LimitExceeded) as caught:
        LabelSet(tuple(Label(str(i), ("a",) * 5, ("b",) * 6) for i in range(1000)))
    assert caught.value.metadata["actual"] == "11000"


@pytest.mark.parametrize(
    ("label", "contrast"),
    [
        pytest.param(Label("x"), DEFAULT_CONTRAST, id="by default"),
        pytest.param(Label("x", contrast_prompts=("none",)), ("none",), id="its own"),
        pytest.param(Label("x", examples=(PICTURE,), counter_examples=(PICTURE,)), (), id="examples decide alone"),
        pytest.param(Label("x", (), ("none",), (PICTURE,), (PICTURE,)), ("none",), id="examples and contrast"),
    ],
)
def test_presence_has_a_contrast(label: Label, contrast: tuple[str, ...]) -> None:
    assert label.presence_contrast == contrast


def test_a_condensed_label_is_the_same_one_without_its_pictures() -> None:
    label = Label("x", ("a",), ("b",), (PICTURE, OTHER), (OTHER,))
    small = label.with_example_keys()
    assert small.with_example_keys() == small
    assert small == Label("x", ("a",), ("b",), (PICTURE, OTHER), (OTHER,)).with_example_keys()
    assert small.examples == (ImageKey.of(PICTURE), ImageKey.of(OTHER))
    assert small.examples_key == label.examples_key
    assert small != Label("x", ("a",), ("b",), (OTHER, PICTURE), (OTHER,)).with_example_keys(), "another order"
    assert small != Label("x", ("a",), ("b",), (PICTURE,), (OTHER, OTHER)).with_example_keys(), "another kind"


def test_limits_have_a_name_and_a_value() -> None:
    with pytest.raises(LimitExceeded) as caught:
        LabelSet.of([str(i) for i in range(1001)])
    assert caught.value.metadata == {"limit": "max_labels", "maximum": "1000", "actual": "1001"}
    assert "1,001" in caught.value.message


def test_a_thousand_labels_are_fine() -> None:
    assert len(LabelSet.of([str(i) for i in range(1000)]).prompts()) == 1000


def test_the_bytes_of_examples_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of, count = ImageKey.of, 0

    def counted(image: Image | ImageKey) -> ImageKey:
        nonlocal count
        count += 1
        return of(image)

    monkeypatch.setattr(ImageKey, "of", counted)
    label = Label("a", examples=(EncodedImage(b"1"),), counter_examples=(EncodedImage(b"2"),))
    assert label.examples_key == label.examples_key
    assert count == 2
    assert label == Label("a", examples=(EncodedImage(b"1"),), counter_examples=(EncodedImage(b"2"),))
