"""Chromium and Chinese fonts for the browser tests: the machine's own, else unpacked privately like the servers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from .debian import Apt, Prefix
from .places import made
from .programs import on_path
from .report import Stop
from .services import Maker

# The engine without the windows around it first: the tests' pages take a third less processor time (decision 15).
PACKAGES = ("chromium-headless-shell", "chromium")
NAMES = (*PACKAGES, "chromium-browser", "google-chrome-stable", "google-chrome")
CJK_FONT = re.compile(r"(noto.*cjk|source.?han|wqy|droidsansfallback|sarasa)", re.IGNORECASE)
SYSTEM_FONTS = Path("/usr/share/fonts")
# A headless browser draws with its own software renderer and talks to no desktop.
BROWSER_SKIP = re.compile(
    r"(libllvm|libgl1-mesa-dri|dbus|systemd|adwaita-icon-theme|hicolor-icon-theme|librsvg2|perl|debconf|cdebconf|init-system-helpers"
    r"|default-dbus-session-bus|xdg-utils|at-spi|dconf|gsettings|glib-networking|libgtk-3-bin|adduser|passwd|ucf|sensible-utils)"
)


def browser_env(maker: Maker, environ: Mapping[str, str]) -> dict[str, str]:
    """CHROMIUM, CHROMIUM_LD_LIBRARY_PATH ("" for a system browser) and FONTCONFIG_FILE for the tests.

    Raises:
        Stop: there is no browser and no apt to fetch one.
    """
    system = system_browser(environ)
    prefix = maker.prefix("browser")
    fonts = [] if has_cjk_font(SYSTEM_FONTS) else ["fonts-noto-cjk"]
    if (fonts or not system) and not (prefix.folder / ".complete").exists():
        if not Apt.is_here(environ):
            raise Stop(
                "浏览器测试需要 Chromium 和中文字体：请安装，或用 python3 -m app test -m 'not browser'。",
                "Browser tests need Chromium and a CJK font: install them, or run test -m 'not browser'.",
            )
        maker.fetch("Chromium", prefix, lambda apt: wanted(apt, fonts, browser=not system), BROWSER_SKIP)
    return {
        "CHROMIUM": system or str(own_browser(prefix) or ""),
        "CHROMIUM_LD_LIBRARY_PATH": "" if system else prefix.library_path,
        "FONTCONFIG_FILE": environ.get("FONTCONFIG_FILE") or str(write_font_settings(maker.places.var, prefix)),
    }


def system_browser(environ: Mapping[str, str]) -> str:
    """The browser that the environment names or the machine has; "" for none."""
    return environ.get("CHROMIUM") or next((str(path) for name in NAMES if (path := on_path(name, environ))), "")


def own_browser(prefix: Prefix) -> Path | None:
    """The browser in our own folder, where one was fetched."""
    places = (prefix.folder / "usr/lib/chromium" / name for name in PACKAGES)
    return next((place for place in places if place.exists()), None)


def wanted(apt: Apt, fonts: list[str], *, browser: bool) -> list[str]:
    """The packages to fetch; none where the sources offer no browser."""
    if not browser:
        return fonts
    offered = next((name for name in PACKAGES if apt.has(name)), None)
    return [offered, *fonts] if offered else []


def has_cjk_font(folder: Path) -> bool:
    """Whether a font with Chinese characters is installed."""
    names = (name for _, _, files in os.walk(folder) for name in files)
    return any(CJK_FONT.search(name) for name in names)


def write_font_settings(var: Path, prefix: Prefix) -> Path:
    """A fontconfig file naming the system's fonts and ours, so that Chinese text is drawn and not boxed."""
    file = var / "fonts.conf"
    file.write_text(f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{SYSTEM_FONTS}</dir>
  <dir>{prefix.folder / "usr/share/fonts"}</dir>
  <cachedir>{made(var / "cache/fonts")}</cachedir>
  <alias><family>sans-serif</family><prefer><family>Noto Sans CJK SC</family></prefer></alias>
  <alias><family>serif</family><prefer><family>Noto Serif CJK SC</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>Noto Sans Mono CJK SC</family></prefer></alias>
</fontconfig>
""")
    return file
