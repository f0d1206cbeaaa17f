"""Finds words that one of the two languages lacks. zh-CN is the source, English must be complete."""

import json
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "src"
FOLDERS = ("shared", "desk", "crew", "crew/screens", "crew/bundle")


def flat(words: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"a": {"b": "text"}}` as `("a.b", "text")`."""
    if isinstance(words, dict):
        for key, value in words.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, str(words)


def missing_words(sources: Path = SOURCES) -> list[str]:
    """One sentence for each key that is absent or empty in a language, or that two files both define."""
    found: list[str] = []
    shared: set[str] = set()
    for folder in FOLDERS:
        files = {language: sources / folder / "i18n" / f"{language}.json" for language in ("zh-CN", "en")}
        if not any(path.exists() for path in files.values()):
            continue
        words = {language: dict(flat(json.loads(path.read_text("utf-8")))) for language, path in files.items()}
        found += compare(folder, words["zh-CN"], words["en"])
        top = {key.partition(".")[0] for key in words["zh-CN"]}
        found += [f"{folder}: `{key}` is already a group of words in shared" for key in sorted(top & shared)]
        shared = shared or top
    return found


def compare(folder: str, chinese: dict[str, str], english: dict[str, str]) -> list[str]:
    """Keys that only one side has, or whose text is empty."""
    complaints = [f"{folder}: `{key}` is missing in en.json" for key in sorted(chinese.keys() - english.keys())]
    complaints += [f"{folder}: `{key}` is missing in zh-CN.json" for key in sorted(english.keys() - chinese.keys())]
    for language, words in (("zh-CN", chinese), ("en", english)):
        complaints += [
            f"{folder}: `{key}` is empty in {language}.json" for key, text in words.items() if not text.strip()
        ]
    return complaints
