"""The next release of the tablet's app, made of this one on its way: other file names, a later database."""

from __future__ import annotations

import re

from app.web.pages import UI

# Of the database that holds the tablet's work: it has others besides.
SCHEMA = re.compile(r"this\.version\(1\)\.stores\(\{[^}]*\bops:[^}]*\}\)")
LATER = 1000
SHELL = re.compile(r"(/crew/[`\"'],\s*revision:\s*[`\"'])[0-9a-f]{16}")


class NextRelease:
    """Answers with this build's files under new names, as a server does after an update. `n` tells releases apart."""

    def __init__(self, n: int = 2) -> None:
        self.mark = f".release-{n}.js"
        self.n = n
        self.names = sorted(path.name for path in (UI / "crew" / "assets").glob("*.js"))

    def path(self, path: str) -> str:
        """What the office calls the file that a browser asks for."""
        return re.sub(r"\.release-\d+\.js$", ".js", path)

    def text(self, text: str) -> str:
        """A page, script or worker of this build as it stands in the next one."""
        for name in self.names:
            text = text.replace(name, name.removesuffix(".js") + self.mark)
        text = SHELL.sub(rf"\g<1>{self.n:016x}", text)
        return SCHEMA.sub(self._with_a_later_schema, text)

    def _with_a_later_schema(self, found: re.Match[str]) -> str:
        return f'{found[0]},this.version({LATER + self.n}).stores({{added_{self.n}:"key"}})'
